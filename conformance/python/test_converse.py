"""boto3: Converse and ConverseStream, whole and in pieces."""

import json
import threading

import boto3
import pytest
from botocore.exceptions import ClientError, EventStreamError
from conftest import CLAUDE, SCRIPTED

DOCUMENT = (
    "The Atlas cluster was moved to Frankfurt in March 2021. "
    "Its nightly backup starts at 02:30 UTC and is kept for 35 days. "
    "The owner of the cluster is the storage team."
)

WEATHER = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "Current weather for a city",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
                        "required": ["city"],
                    }
                },
            }
        }
    ]
}


def user(text):
    return {"role": "user", "content": [{"text": text}]}


def text_of(message):
    out = ""
    for block in message["content"]:
        out += block.get("text", "")
        out += "".join(c["text"] for c in block.get("citationsContent", {}).get("content", []))
    return out


def collect(stream):
    """Folds a stream into (message, stopReason, metadata), checking its order."""
    content, stop, metadata, names = {}, None, None, []
    for event in stream:
        (name, body), = event.items()
        names.append(name)
        if name == "contentBlockStart":
            content[body["contentBlockIndex"]] = {"toolUse": {**body["start"]["toolUse"], "input": ""}}
        elif name == "contentBlockDelta":
            delta = body["delta"]
            if "text" in delta:
                block = content.setdefault(body["contentBlockIndex"], {"text": ""})
                block["text"] += delta["text"]
            elif "toolUse" in delta:
                content[body["contentBlockIndex"]]["toolUse"]["input"] += delta["toolUse"]["input"]
        elif name == "messageStop":
            stop = body["stopReason"]
        elif name == "metadata":
            metadata = body
    assert names[0] == "messageStart" and names[-2:] == ["messageStop", "metadata"], names
    return {"role": "assistant", "content": [content[i] for i in sorted(content)]}, stop, metadata


def test_answer_comes_from_the_request(runtime):
    r = runtime.converse(modelId=CLAUDE, system=[{"text": DOCUMENT}], messages=[user("When does the nightly backup start?")])
    assert "02:30" in text_of(r["output"]["message"])
    r2 = runtime.converse(modelId=CLAUDE, system=[{"text": DOCUMENT}], messages=[user("Who is the owner of the cluster?")])
    assert "storage team" in text_of(r2["output"]["message"])
    usage = r["usage"]
    assert r["stopReason"] == "end_turn" and usage["inputTokens"] > 20 and usage["outputTokens"] > 0
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert r["metrics"]["latencyMs"] >= 0
    assert "fidelity=stand-in" in r["ResponseMetadata"]["HTTPHeaders"]["x-outcrop-served-by"]


def test_citations(runtime):
    r = runtime.converse(
        modelId=CLAUDE,
        messages=[
            {
                "role": "user",
                "content": [
                    {"text": "When was the Atlas cluster moved?"},
                    {"document": {"format": "txt", "name": "notes", "source": {"bytes": DOCUMENT.encode()}, "citations": {"enabled": True}}},
                ],
            }
        ],
    )
    cited = [b["citationsContent"] for b in r["output"]["message"]["content"] if "citationsContent" in b]
    assert cited and "March 2021" in cited[0]["content"][0]["text"]
    location = cited[0]["citations"][0]["location"]["documentChar"]
    assert "March 2021" in DOCUMENT[location["start"] : location["end"]]


def test_stream_equals_whole(runtime):
    request = dict(modelId=CLAUDE, system=[{"text": DOCUMENT}], messages=[user("Who is the owner of the cluster?")])
    whole = runtime.converse(**request)
    message, stop, metadata = collect(runtime.converse_stream(**request)["stream"])
    assert text_of(message) == text_of(whole["output"]["message"])
    assert stop == whole["stopReason"] and metadata["usage"] == whole["usage"]


@pytest.mark.parametrize("streaming", [False, True])
def test_tool_loop(runtime, streaming):
    messages = [user("What is the weather in Lisbon?")]

    def ask():
        if not streaming:
            r = runtime.converse(modelId=CLAUDE, messages=messages, toolConfig=WEATHER)
            return r["output"]["message"], r["stopReason"]
        message, stop, _ = collect(runtime.converse_stream(modelId=CLAUDE, messages=messages, toolConfig=WEATHER)["stream"])
        for block in message["content"]:
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
        return message, stop

    message, stop = ask()
    assert stop == "tool_use"
    use = next(b["toolUse"] for b in message["content"] if "toolUse" in b)
    assert use["name"] == "get_weather" and use["input"]["city"] == "Lisbon"
    messages += [message, {"role": "user", "content": [{"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"temperature": 23, "sky": "clear"}}]}}]}]
    message, stop = ask()
    assert stop == "end_turn" and "23" in text_of(message)


def test_structured_output(runtime):
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city", "days"], "additionalProperties": False}
    r = runtime.converse(
        modelId=CLAUDE,
        system=[{"text": DOCUMENT}],
        messages=[user("To which city was the cluster moved, and for how many days is the backup kept?")],
        outputConfig={"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema), "name": "facts"}}}},
    )
    value = json.loads(text_of(r["output"]["message"]))
    assert set(value) == {"city", "days"} and isinstance(value["days"], int)


def test_limits(runtime):
    request = dict(modelId=CLAUDE, system=[{"text": DOCUMENT}], messages=[user("Summarise the notes.")])
    r = runtime.converse(**request, inferenceConfig={"maxTokens": 5})
    assert r["stopReason"] == "max_tokens" and r["usage"]["outputTokens"] <= 5


@pytest.mark.parametrize("prefix, region", [("us.", "us-east-1"), ("us.", "us-west-2"), ("eu.", "eu-west-1")])
def test_inference_profile(prefix, region):
    client = boto3.client("bedrock-runtime", region_name=region)
    r = client.converse(modelId=prefix + "anthropic.claude-3-5-sonnet-20240620-v1:0", messages=[user("hello")])
    assert r["stopReason"] == "end_turn"


def test_count_tokens(runtime):
    short = runtime.count_tokens(modelId=CLAUDE, input={"converse": {"messages": [user("hello")]}})["inputTokens"]
    long = runtime.count_tokens(modelId=CLAUDE, input={"converse": {"messages": [user("hello " * 50)]}})["inputTokens"]
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]}
    raw = runtime.count_tokens(modelId=CLAUDE, input={"invokeModel": {"body": json.dumps(body).encode()}})["inputTokens"]
    assert 0 < short < long and raw == short


def test_errors(runtime):
    def fails(code, **request):
        with pytest.raises(ClientError) as e:
            runtime.converse(**request)
        assert e.value.response["Error"]["Code"] == code, e.value
        return e.value.response["Error"]["Message"]

    assert fails("ValidationException", modelId="no.such-model", messages=[user("x")]) == "The provided model identifier is invalid."
    assert "alternate" in fails("ValidationException", modelId=CLAUDE, messages=[user("x"), user("y")])
    nova = "amazon.nova-lite-v1:0"  # Claude takes a conversation that it opens itself
    assert "start with a user message" in fails("ValidationException", modelId=nova, messages=[{"role": "assistant", "content": [{"text": "x"}]}])
    fails("ValidationException", modelId=CLAUDE, messages=[])
    orphan = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
    fails("ValidationException", modelId=CLAUDE, messages=[{"role": "user", "content": [orphan]}], toolConfig=WEATHER)


# What the official documentation says of retries: attempts by error and mode.
@pytest.mark.parametrize(
    "ask, code, retries",
    [
        ("throttle", "ThrottlingException", 4),
        ("unavailable", "ServiceUnavailableException", 4),
        ("model error", "ModelErrorException", 0),
        ("model timeout", "ModelTimeoutException", 0),
        ("invalid", "ValidationException", 0),
        ("denied", "AccessDeniedException", 0),
    ],
)
def test_retries(runtime_with, ask, code, retries):
    client = runtime_with(retries={"mode": "legacy", "max_attempts": 4})
    with pytest.raises(ClientError) as e:
        client.converse(modelId=SCRIPTED, messages=[user(ask)])
    assert e.value.response["Error"]["Code"] == code
    assert e.value.response["ResponseMetadata"]["RetryAttempts"] == retries


def test_retry_succeeds(runtime_with):
    client = runtime_with(retries={"mode": "standard", "max_attempts": 3})
    r = client.converse(modelId=SCRIPTED, messages=[user("throttle twice")])
    assert text_of(r["output"]["message"]) == "third time lucky"
    assert r["ResponseMetadata"]["RetryAttempts"] == 2


def test_broken_stream(runtime):
    stream = runtime.converse_stream(modelId=SCRIPTED, messages=[user("break the stream")])["stream"]
    with pytest.raises(EventStreamError):
        collect(stream)


def test_parallel_streams(runtime):
    failures = []

    def one(i):
        try:
            message, stop, _ = collect(runtime.converse_stream(modelId=CLAUDE, system=[{"text": DOCUMENT}], messages=[user("Who is the owner of the cluster?")])["stream"])
            assert "storage team" in text_of(message) and stop == "end_turn"
        except Exception as e:  # noqa: BLE001 - collected and shown below
            failures.append((i, e))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert not failures, failures
