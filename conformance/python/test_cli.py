"""The AWS CLI."""

import json

from conftest import CLAUDE, SCRIPTED

MESSAGE = json.dumps([{"role": "user", "content": [{"text": "hello"}]}])


def test_identity(aws):
    assert json.loads(aws("sts", "get-caller-identity"))["Account"] == "123456789012"


def test_models(aws):
    ids = aws("bedrock", "list-foundation-models", "--by-provider", "amazon", "--query", "modelSummaries[].modelId", "--output", "text").split()
    assert "amazon.titan-embed-text-v2:0" in ids
    profiles = json.loads(aws("bedrock", "list-inference-profiles", "--type-equals", "SYSTEM_DEFINED", "--max-items", "5"))
    assert len(profiles["inferenceProfileSummaries"]) == 5


def test_converse(aws):
    r = json.loads(aws("bedrock-runtime", "converse", "--model-id", CLAUDE, "--messages", MESSAGE))
    assert r["stopReason"] == "end_turn"


def test_converse_with_arn_of_profile(aws):
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us." + CLAUDE
    assert json.loads(aws("bedrock-runtime", "converse", "--model-id", arn, "--messages", MESSAGE))["stopReason"] == "end_turn"


def test_invoke_model(aws, tmp_path):
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]}
    out = tmp_path / "out.json"
    source = tmp_path / "body.json"
    source.write_text(json.dumps(body))
    aws("bedrock-runtime", "invoke-model", "--model-id", CLAUDE, "--body", f"fileb://{source}", str(out))
    assert json.loads(out.read_text())["type"] == "message"


def test_errors(aws):
    assert "ValidationException" in aws("bedrock-runtime", "converse", "--model-id", "no.model", "--messages", MESSAGE, ok=False)
    throttled = json.dumps([{"role": "user", "content": [{"text": "throttle"}]}])
    assert "ThrottlingException" in aws("bedrock-runtime", "converse", "--model-id", SCRIPTED, "--messages", throttled, ok=False, env={"AWS_MAX_ATTEMPTS": "2"})
    assert "InvalidSignature" in aws("bedrock", "list-foundation-models", ok=False, env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert "not implemented" in aws("bedrock", "list-model-invocation-jobs", ok=False)


def test_pages_of_text(aws, tmp_path):
    """A request body far larger than one network buffer."""
    text = "The pump of unit 7 was replaced on Tuesday. " + "Nothing else happened that week. " * 3000
    source = tmp_path / "messages.json"
    source.write_text(json.dumps([{"role": "user", "content": [{"text": text + "\nWhen was the pump of unit 7 replaced?"}]}]))
    r = json.loads(aws("bedrock-runtime", "converse", "--model-id", CLAUDE, "--messages", f"file://{source}"))
    assert "Tuesday" in r["output"]["message"]["content"][0]["text"]
