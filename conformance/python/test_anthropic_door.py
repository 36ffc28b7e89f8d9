"""Anthropic's own client at the door for it, with an API key, over TLS; and its client
for Bedrock's host of that door, with a signature."""

import os
import re
import ssl

import anthropic
import pytest
from conftest import CLAUDE

NOTES = "The gateway listens on port 7443. It restarts every Sunday."
QUESTION = [{"role": "user", "content": "On which port does the gateway listen?"}]
WEATHER = {
    "name": "get_weather",
    "description": "Current weather for a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
URL = os.environ["OUTCROP_TLS_URL"] + "/anthropic"


def trusting():
    return anthropic.DefaultHttpxClient(verify=ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"]))


def connect(**options):
    options = {"api_key": os.environ["OUTCROP_BEARER"], "base_url": URL, "max_retries": 0} | options
    return anthropic.Anthropic(http_client=trusting(), **options)


@pytest.fixture(scope="module")
def client():
    return connect()


def test_message(client):
    raw = client.messages.with_raw_response.create(model=CLAUDE, max_tokens=200, system=NOTES, messages=QUESTION)
    message = raw.parse()
    assert "7443" in message.content[0].text
    assert message.type == "message" and message.role == "assistant" and message.model == CLAUDE
    assert message.stop_reason == "end_turn" and message.usage.input_tokens > 0 and message.usage.output_tokens > 0
    assert message._request_id and message._request_id == raw.headers["x-amzn-requestid"]
    assert "fidelity=" in raw.headers["x-outcrop-served-by"]


def test_stream(client):
    whole = client.messages.create(model=CLAUDE, max_tokens=200, system=NOTES, messages=QUESTION)
    with client.messages.stream(model=CLAUDE, max_tokens=200, system=NOTES, messages=QUESTION) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == whole.content[0].text
    assert final.usage.input_tokens == whole.usage.input_tokens and final.stop_reason == "end_turn"
    events = [e.type for e in client.messages.create(model=CLAUDE, max_tokens=200, system=NOTES, messages=QUESTION, stream=True)]
    assert events[0] == "message_start" and events[-1] == "message_stop" and "content_block_delta" in events


def test_tool_loop(client):
    asked = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    call = client.messages.create(model=CLAUDE, max_tokens=200, tools=[WEATHER], messages=asked)
    assert call.stop_reason == "tool_use"
    use = next(b for b in call.content if b.type == "tool_use")
    assert use.name == "get_weather" and use.input == {"city": "Lisbon"}
    turns = [
        *asked,
        call.to_param(),
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "23 degrees in Lisbon"}]},
    ]
    answer = client.messages.create(model=CLAUDE, max_tokens=200, tools=[WEATHER], messages=turns)
    assert "23" in answer.content[0].text and answer.stop_reason == "end_turn"
    with client.messages.stream(model=CLAUDE, max_tokens=200, tools=[WEATHER], messages=asked) as stream:
        streamed = stream.get_final_message()
    assert next(b for b in streamed.content if b.type == "tool_use").input == {"city": "Lisbon"}


def test_count_tokens(client):
    few = client.messages.count_tokens(model=CLAUDE, messages=QUESTION).input_tokens
    many = client.messages.count_tokens(model=CLAUDE, system=NOTES * 5, messages=QUESTION, tools=[WEATHER]).input_tokens
    assert 0 < few < many


def test_models(client):
    models = {m.id: m for m in client.models.list(limit=30)}  # the client fetches page by page
    assert CLAUDE in models and len(models) > 30
    one = client.models.retrieve(CLAUDE)
    assert one.display_name and one.created_at and one.id == CLAUDE and one.lifecycle in ("active", "deprecated")


def test_older_version():
    """What the version before still has: sampling parameters, the key in x-api-key."""
    client = connect(default_headers={"anthropic-version": "2023-06-01", "x-api-key": os.environ["OUTCROP_BEARER"], "authorization": anthropic.omit})
    args = dict(model=CLAUDE, max_tokens=50, system=NOTES, messages=QUESTION, extra_body={"temperature": 0.5})
    assert "7443" in client.messages.create(**args).content[0].text
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs are not permitted"):
        connect().messages.create(**args)


@pytest.mark.parametrize(
    "change, error, text",
    [
        ({"model": "anthropic.nope"}, anthropic.NotFoundError, "model: anthropic.nope"),
        ({"max_tokens": 0}, anthropic.BadRequestError, "max_tokens"),
        ({"messages": []}, anthropic.BadRequestError, "messages: at least one message is required"),
        ({"extra_headers": {"authorization": "Bearer sk-wrong"}}, anthropic.AuthenticationError, "invalid"),
    ],
)
def test_errors(client, change, error, text):
    args = dict(model=CLAUDE, max_tokens=10, messages=QUESTION) | change
    with pytest.raises(error) as e:
        client.messages.create(**args)
    assert text in e.value.body["error"]["message"] and e.value.request_id
    with pytest.raises(error):
        with client.messages.stream(**args) as stream:
            stream.get_final_message()


def test_not_built(client):
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.list()


def test_signed():
    keys = dict(re.findall(r"export (\w+)='([^']*)'", os.environ["OUTCROP_TLS_CREDENTIALS"]))
    client = anthropic.AnthropicBedrockMantle(
        aws_access_key=keys["AWS_ACCESS_KEY_ID"], aws_secret_key=keys["AWS_SECRET_ACCESS_KEY"], aws_region="us-east-1",
        base_url=URL, http_client=trusting(),
    )
    message = client.messages.create(model=CLAUDE, max_tokens=200, system=NOTES, messages=QUESTION)
    assert "7443" in message.content[0].text
    with client.messages.stream(model=CLAUDE, max_tokens=200, system=NOTES, messages=QUESTION) as stream:
        assert stream.get_final_message().content[0].text == message.content[0].text
