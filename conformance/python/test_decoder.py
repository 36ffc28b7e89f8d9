"""A decoder of the embedded engine behind Claude's model ID. Its weights are random, so
what it says is noise; tokens, structure, streams and limits have to be right."""

import json
import os
import re
import subprocess
import sys

import boto3
import jsonschema
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import CLAUDE
from test_guide import BLOCKS

ASK = [{"role": "user", "content": [{"text": "Tell me something."}]}]
WEATHER = {
    "toolSpec": {
        "name": "get_weather",
        "description": "Current weather for a city",
        "inputSchema": {
            "json": {
                "type": "object",
                "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["C", "F"]}},
                "required": ["city", "unit"],
                "additionalProperties": False,
            }
        },
    }
}


@pytest.fixture(scope="module")
def decoder_env():
    pairs = re.findall(r"^export (\w+)=(.*)$", os.environ["OUTCROP_DECODER_ENV"], re.M)
    return {**os.environ, **{k: v.strip("'\"") for k, v in pairs}}


@pytest.fixture(scope="module")
def decoder(decoder_env):
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=decoder_env["AWS_ENDPOINT_URL"],
        aws_access_key_id=decoder_env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=decoder_env["AWS_SECRET_ACCESS_KEY"],
        config=Config(read_timeout=60),
    )


def text(response):
    return "".join(b.get("text", "") for b in response["output"]["message"]["content"])


def served_by(response):
    return response["ResponseMetadata"]["HTTPHeaders"]["x-outcrop-served-by"]


def test_answer_and_stream_are_the_same(decoder):
    config = {"maxTokens": 30, "temperature": 0.0}
    whole = decoder.converse(modelId=CLAUDE, messages=ASK, inferenceConfig=config)
    assert served_by(whole).startswith("embedded/") and "fidelity=real" in served_by(whole)
    assert whole["usage"]["outputTokens"] <= 30 and whole["usage"]["inputTokens"] > 10
    events = list(decoder.converse_stream(modelId=CLAUDE, messages=ASK, inferenceConfig=config)["stream"])
    streamed = "".join(e["contentBlockDelta"]["delta"].get("text", "") for e in events if "contentBlockDelta" in e)
    assert streamed == text(whole)
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    counted = decoder.count_tokens(modelId=CLAUDE, input={"converse": {"messages": ASK}})
    assert counted["inputTokens"] == whole["usage"]["inputTokens"]


def test_tool_calls_fit_their_schema(decoder):
    for _ in range(5):
        r = decoder.converse(
            modelId=CLAUDE,
            messages=ASK,
            toolConfig={"tools": [WEATHER], "toolChoice": {"tool": {"name": "get_weather"}}},
            inferenceConfig={"maxTokens": 400},
        )
        assert r["stopReason"] == "tool_use"
        for use in (b["toolUse"] for b in r["output"]["message"]["content"]):
            assert use["name"] == "get_weather"
            jsonschema.validate(use["input"], WEATHER["toolSpec"]["inputSchema"]["json"])
        results = [{"toolResult": {"toolUseId": b["toolUse"]["toolUseId"], "content": [{"json": {"temperature": 21}}]}} for b in r["output"]["message"]["content"]]
        after = decoder.converse(
            modelId=CLAUDE,
            messages=[*ASK, r["output"]["message"], {"role": "user", "content": results}],
            toolConfig={"tools": [WEATHER]},
            inferenceConfig={"maxTokens": 20},
        )
        assert after["usage"]["outputTokens"] <= 20


def test_output_schema(decoder):
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["n"], "additionalProperties": False}
    output = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema), "name": "digit"}}}}
    r = decoder.converse(modelId=CLAUDE, messages=ASK, outputConfig=output, inferenceConfig={"maxTokens": 100})
    jsonschema.validate(json.loads(text(r)), schema)


def test_cache_point(decoder):
    system = [{"text": "You answer briefly. " * 40}, {"cachePoint": {"type": "default"}}]
    usage = [decoder.converse(modelId=CLAUDE, messages=ASK, system=system, inferenceConfig={"maxTokens": 2})["usage"] for _ in range(2)]
    assert usage[0]["cacheWriteInputTokens"] > 500 and usage[1]["cacheReadInputTokens"] > 500
    assert usage[1]["inputTokens"] < 100


def test_limits(decoder):
    with pytest.raises(ClientError, match="Input is too long for requested model") as e:
        decoder.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": "x" * 3000}]}])
    assert e.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="reads text|image"):
        decoder.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": b"x"}}}]}])
    stopped = decoder.converse(modelId=CLAUDE, messages=ASK, inferenceConfig={"maxTokens": 1})
    assert stopped["stopReason"] in ("max_tokens", "end_turn")


@pytest.mark.skipif(not BLOCKS.is_dir(), reason="the guide's blocks are not at hand")
def test_guide_02_and_03(decoder_env):
    first = (BLOCKS / "02-converse.sh").read_text().split("aws bedrock-runtime converse-stream")[0]
    p = subprocess.run(["bash", "-e", "-c", first], capture_output=True, text=True, timeout=120, env=decoder_env)
    assert p.returncode == 0, p.stderr
    assert json.loads(p.stdout)["usage"]["outputTokens"] > 0
    p = subprocess.run([sys.executable, str(BLOCKS / "03-converse.py")], capture_output=True, text=True, timeout=120, env=decoder_env)
    assert p.returncode == 0, p.stderr
    assert re.search(r"Input tokens: \d+, Output tokens: \d+", p.stdout)
