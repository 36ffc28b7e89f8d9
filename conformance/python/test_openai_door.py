"""OpenAI's own client at /openai/v1, with an API key of ours."""

import json
import os
import time

import openai
import pytest
from conftest import CLAUDE, SCRIPTED
from test_identity import outcrop

NOTES = "The Atlas cluster was moved to Frankfurt in March 2021. The owner of the cluster is the storage team."
ASK = [{"role": "system", "content": NOTES}, {"role": "user", "content": "Who is the owner of the cluster?"}]
WEATHER = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Current weather for a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


@pytest.fixture(scope="module")
def client():
    key = json.loads(outcrop("key", "create", f"openai-{os.getpid()}", "--bearer", "--json"))["apiKey"]
    c = openai.OpenAI(base_url=os.environ["AWS_ENDPOINT_URL"] + "/openai/v1", api_key=key, max_retries=0)
    for _ in range(50):  # the server notices a key within a second
        try:
            c.models.list()
            break
        except openai.AuthenticationError:
            time.sleep(0.1)
    return c


def test_models(client):
    ids = [m.id for m in client.models.list()]
    assert CLAUDE in ids and "outcrop.reader-v1" in ids
    assert client.models.retrieve(CLAUDE).id == CLAUDE


def test_chat_and_stream(client):
    whole = client.chat.completions.create(model=CLAUDE, messages=ASK)
    assert "storage team" in whole.choices[0].message.content
    assert whole.choices[0].finish_reason == "stop" and whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    chunks = list(client.chat.completions.create(model=CLAUDE, messages=ASK, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_tool_loop(client):
    messages = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    first = client.chat.completions.create(model=CLAUDE, messages=messages, tools=WEATHER).choices[0]
    call = first.message.tool_calls[0]
    assert first.finish_reason == "tool_calls" and json.loads(call.function.arguments) == {"city": "Lisbon"}
    messages += [first.message, {"role": "tool", "tool_call_id": call.id, "content": '{"temperature": 23}'}]
    assert "23" in client.chat.completions.create(model=CLAUDE, messages=messages, tools=WEATHER).choices[0].message.content


def test_errors(client):
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="no.such", messages=ASK)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=CLAUDE, messages=[])
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model=SCRIPTED, messages=[{"role": "user", "content": "throttle"}])
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()
