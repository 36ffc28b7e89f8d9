"""boto3: InvokeModel with Anthropic's Messages body, and Anthropic's own client."""

import json

import anthropic
import pytest
from botocore.exceptions import ClientError
from conftest import CLAUDE

SYSTEM = "The gateway listens on port 7443. It restarts every Sunday."
BODY = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 200,
    "system": SYSTEM,
    "messages": [{"role": "user", "content": "On which port does the gateway listen?"}],
}


def test_invoke_model(runtime):
    r = runtime.invoke_model(modelId=CLAUDE, body=json.dumps(BODY))
    body = json.loads(r["body"].read())
    assert body["type"] == "message" and "7443" in body["content"][0]["text"]
    assert body["usage"]["input_tokens"] > 0 and body["stop_reason"] == "end_turn"
    headers = r["ResponseMetadata"]["HTTPHeaders"]
    assert int(headers["x-amzn-bedrock-input-token-count"]) == body["usage"]["input_tokens"]
    assert int(headers["x-amzn-bedrock-output-token-count"]) == body["usage"]["output_tokens"]
    assert int(headers["x-amzn-bedrock-invocation-latency"]) >= 0


def test_invoke_model_stream(runtime):
    r = runtime.invoke_model_with_response_stream(modelId=CLAUDE, body=json.dumps(BODY))
    events = [json.loads(e["chunk"]["bytes"]) for e in r["body"]]
    types = [e["type"] for e in events]
    assert types[0] == "message_start" and types[-1] == "message_stop"
    text = "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
    assert "7443" in text
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["inputTokenCount"] > 0 and metrics["outputTokenCount"] > 0


@pytest.mark.parametrize(
    "body, part",
    [
        (b"{", ""),
        (b"[]", ""),
        (json.dumps({**BODY, "messages": []}).encode(), "messages"),
        (json.dumps({k: v for k, v in BODY.items() if k != "max_tokens"}).encode(), "max_tokens"),
        (json.dumps({k: v for k, v in BODY.items() if k != "anthropic_version"}).encode(), "anthropic_version"),
    ],
)
def test_bad_bodies(runtime, body, part):
    with pytest.raises(ClientError) as e:
        runtime.invoke_model(modelId=CLAUDE, body=body)
    assert e.value.response["Error"]["Code"] == "ValidationException"
    assert part in e.value.response["Error"]["Message"]


def test_loud_about_other_bodies(runtime):
    with pytest.raises(ClientError) as e:
        runtime.invoke_model(modelId="meta.llama3-8b-instruct-v1:0", body=json.dumps({"prompt": "hello"}))
    assert e.value.response["Error"]["Code"] == "ValidationException"
    assert "Converse" in e.value.response["Error"]["Message"]


def test_anthropic_sdk():
    client = anthropic.AnthropicBedrock()
    message = client.messages.create(model=CLAUDE, max_tokens=200, system=SYSTEM, messages=BODY["messages"])
    assert "7443" in message.content[0].text
    with client.messages.stream(model=CLAUDE, max_tokens=200, system=SYSTEM, messages=BODY["messages"]) as stream:
        text = "".join(stream.text_stream)
    assert text == message.content[0].text
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model="anthropic.nope", max_tokens=10, messages=BODY["messages"])
