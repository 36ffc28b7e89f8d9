// The AWS SDK for JavaScript, which speaks HTTP/2 to the runtime.
import assert from 'node:assert/strict';
import test from 'node:test';
import { BedrockClient, GetFoundationModelCommand, ListFoundationModelsCommand, paginateListInferenceProfiles } from '@aws-sdk/client-bedrock';
import {
  BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, CountTokensCommand, InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

const CLAUDE = 'anthropic.claude-3-5-sonnet-20241022-v2:0';
const NOTES = 'The Atlas cluster was moved to Frankfurt in March 2021. The owner of the cluster is the storage team.';
const user = (text) => ({ role: 'user', content: [{ text }] });
const textOf = (message) => message.content.map((b) => b.text ?? '').join('');
const runtime = new BedrockRuntimeClient({});
const bedrock = new BedrockClient({});
test.after(() => { runtime.destroy(); bedrock.destroy(); });

test('converse', async () => {
  const r = await runtime.send(new ConverseCommand({ modelId: CLAUDE, system: [{ text: NOTES }], messages: [user('Who is the owner of the cluster?')] }));
  assert.match(textOf(r.output.message), /storage team/);
  assert.equal(r.stopReason, 'end_turn');
  assert.equal(r.usage.totalTokens, r.usage.inputTokens + r.usage.outputTokens);
});

test('a hundred streams arrive whole', async () => {
  const one = async () => {
    const r = await runtime.send(new ConverseStreamCommand({ modelId: CLAUDE, system: [{ text: NOTES }], messages: [user('Who is the owner of the cluster?')] }));
    const names = [];
    let text = '';
    for await (const event of r.stream) {
      names.push(Object.keys(event)[0]);
      text += event.contentBlockDelta?.delta?.text ?? '';
    }
    assert.match(text, /storage team/);
    assert.equal(names[0], 'messageStart');
    assert.deepEqual(names.slice(-2), ['messageStop', 'metadata']);
  };
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, one));
});

test('tool loop', async () => {
  const toolConfig = { tools: [{ toolSpec: { name: 'get_weather', description: 'Current weather for a city', inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } } }] };
  const messages = [user('What is the weather in Lisbon?')];
  let r = await runtime.send(new ConverseCommand({ modelId: CLAUDE, messages, toolConfig }));
  assert.equal(r.stopReason, 'tool_use');
  const use = r.output.message.content.find((b) => b.toolUse).toolUse;
  assert.deepEqual(use.input, { city: 'Lisbon' });
  messages.push(r.output.message, { role: 'user', content: [{ toolResult: { toolUseId: use.toolUseId, content: [{ json: { temperature: 23 } }] } }] });
  r = await runtime.send(new ConverseCommand({ modelId: CLAUDE, messages, toolConfig }));
  assert.match(textOf(r.output.message), /23/);
});

test('InvokeModel, whole and streamed', async () => {
  const body = JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 100, system: NOTES, messages: [{ role: 'user', content: 'Who is the owner of the cluster?' }] });
  const whole = JSON.parse(new TextDecoder().decode((await runtime.send(new InvokeModelCommand({ modelId: CLAUDE, body }))).body));
  assert.match(whole.content[0].text, /storage team/);
  let text = '';
  for await (const e of (await runtime.send(new InvokeModelWithResponseStreamCommand({ modelId: CLAUDE, body }))).body) {
    const event = JSON.parse(new TextDecoder().decode(e.chunk.bytes));
    text += event.delta?.text ?? '';
  }
  assert.equal(text, whole.content[0].text);
});

test('CountTokens', async () => {
  const r = await runtime.send(new CountTokensCommand({ modelId: CLAUDE, input: { converse: { messages: [user('hello')] } } }));
  assert.ok(r.inputTokens > 0);
});

test('catalog and identity', async () => {
  const models = (await bedrock.send(new ListFoundationModelsCommand({ byProvider: 'Anthropic' }))).modelSummaries;
  assert.ok(models.some((m) => m.modelId === CLAUDE));
  const one = (await bedrock.send(new GetFoundationModelCommand({ modelIdentifier: CLAUDE }))).modelDetails;
  assert.equal(one.modelId, CLAUDE);
  let n = 0;
  for await (const page of paginateListInferenceProfiles({ client: bedrock, pageSize: 5 }, {})) n += page.inferenceProfileSummaries.length;
  assert.ok(n > 5);
  const me = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  assert.equal(me.Account, '123456789012');
});

for (const [ask, name, attempts] of [
  ['throttle', 'ThrottlingException', 3], ['unavailable', 'ServiceUnavailableException', 3],
  ['model error', 'ModelErrorException', 1], ['invalid', 'ValidationException', 1], ['denied', 'AccessDeniedException', 1],
]) {
  test(`retries: ${ask}`, async () => {
    await assert.rejects(runtime.send(new ConverseCommand({ modelId: 'test.scripted', messages: [user(ask)] })), (e) => {
      assert.equal(e.name, name);
      assert.equal(e.$metadata.attempts, attempts);
      return true;
    });
  });
}

test('a bearer key', { skip: process.env.OUTCROP_BEARER ? false : 'run.sh makes the key' }, async () => {
  const client = new BedrockRuntimeClient({ endpoint: process.env.OUTCROP_TLS_URL, token: { token: process.env.OUTCROP_BEARER }, authSchemePreference: ['httpBearerAuth'] });
  const r = await client.send(new ConverseCommand({ modelId: CLAUDE, messages: [user('hello')] }));
  assert.equal(r.stopReason, 'end_turn');
  client.destroy();
});
