// Clients that stand on the Bedrock API: Anthropic's, the Vercel AI SDK, LangChain.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { ChatBedrockConverse } from '@langchain/aws';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { generateText, isStepCount, streamText, tool } from 'ai';
import { z } from 'zod';

const CLAUDE = 'anthropic.claude-3-5-sonnet-20241022-v2:0';
const NOTES = 'The Atlas cluster was moved to Frankfurt in March 2021. The owner of the cluster is the storage team.';
const QUESTION = 'Who is the owner of the cluster?';

test('Anthropic SDK for Bedrock', async () => {
  const client = new AnthropicBedrock();
  const message = await client.messages.create({ model: CLAUDE, max_tokens: 100, system: NOTES, messages: [{ role: 'user', content: QUESTION }] });
  assert.match(message.content[0].text, /storage team/);
  const final = await client.messages.stream({ model: CLAUDE, max_tokens: 100, system: NOTES, messages: [{ role: 'user', content: QUESTION }] }).finalMessage();
  assert.equal(final.content[0].text, message.content[0].text);
  const tools = [{ name: 'get_weather', description: 'Current weather for a city', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];
  const call = await client.messages.create({ model: CLAUDE, max_tokens: 100, tools, messages: [{ role: 'user', content: 'What is the weather in Lisbon?' }] });
  assert.equal(call.stop_reason, 'tool_use');
  assert.deepEqual(call.content.find((b) => b.type === 'tool_use').input, { city: 'Lisbon' });
});

const provider = createAmazonBedrock({ baseURL: process.env.AWS_ENDPOINT_URL, region: 'us-east-1' });

test('Vercel AI SDK: text, stream, tools', async () => {
  const model = provider(CLAUDE);
  const r = await generateText({ model, instructions: NOTES, prompt: QUESTION });
  assert.match(r.text, /storage team/);
  assert.ok(r.usage.inputTokens > 0);
  let text = '';
  for await (const part of streamText({ model, instructions: NOTES, prompt: QUESTION }).textStream) text += part;
  assert.equal(text, r.text);
  const looped = await generateText({
    model, prompt: 'What is the weather in Lisbon?', stopWhen: isStepCount(3),
    tools: { get_weather: tool({ description: 'Current weather for a city', inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => ({ city, temperature: 23 }) }) },
  });
  assert.equal(looped.steps.length, 2);
  assert.match(looped.text, /23/);
});

test('LangChain', async () => {
  const model = new ChatBedrockConverse({ model: CLAUDE, region: 'us-east-1', endpointHost: new URL(process.env.AWS_ENDPOINT_URL).host });
  model.client.config.endpoint = async () => {
    const u = new URL(process.env.AWS_ENDPOINT_URL);
    return { protocol: u.protocol, hostname: u.hostname, port: Number(u.port), path: '/' };
  };
  const messages = [new SystemMessage(NOTES), new HumanMessage(QUESTION)];
  const answer = await model.invoke(messages);
  assert.match(answer.text, /storage team/);
  let text = '';
  for await (const chunk of await model.stream(messages)) text += chunk.text;
  assert.equal(text, answer.text);
  const weather = langchainTool(async ({ city }) => `${city}: 23 degrees`, { name: 'get_weather', description: 'Current weather for a city', schema: z.object({ city: z.string() }) });
  const bound = model.bindTools([weather]);
  const asked = [new HumanMessage('What is the weather in Lisbon?')];
  const call = await bound.invoke(asked);
  assert.deepEqual(call.tool_calls[0].args, { city: 'Lisbon' });
  const result = await weather.invoke(call.tool_calls[0]);
  assert.ok(result instanceof ToolMessage);
  assert.match((await bound.invoke([...asked, call, result])).text, /23/);
});
