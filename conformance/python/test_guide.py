"""The public guide's own blocks, as they are."""

import json
import os
import pathlib
import re
import subprocess
import sys

import boto3
import pytest

BLOCKS = pathlib.Path(os.environ.get("OUTCROP_SHARED", "../shared")) / "guide" / "blocks"
pytestmark = pytest.mark.skipif(not BLOCKS.is_dir(), reason="the guide's blocks are not at hand")


def python(name, before="", after=""):
    p = subprocess.run([sys.executable, "-c", before + (BLOCKS / name).read_text() + after], capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    return p.stdout


def test_01_list_models():
    p = subprocess.run(["bash", "-e", str(BLOCKS / "01-list-models.sh")], capture_output=True, text=True, timeout=90)
    assert p.returncode == 0, p.stderr
    assert "anthropic.claude-3-5-sonnet-20241022-v2:0" in p.stdout and "modelDetails" in p.stdout


def test_02_converse():
    text = (BLOCKS / "02-converse.sh").read_text()
    first, second = text.split("aws bedrock-runtime converse-stream")  # a command the AWS CLI does not have
    p = subprocess.run(["bash", "-e", "-c", first], capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, p.stderr
    answer = json.loads(p.stdout)
    assert answer["output"]["message"]["content"][0]["text"] and answer["stopReason"] in ("end_turn", "max_tokens")
    messages = json.loads(re.search(r"--messages '(.*?)'", second, re.S).group(1))
    config = json.loads(re.search(r"--inference-config '(.*?)'", second, re.S).group(1))
    model = re.search(r"--model-id (\S+)", second).group(1)
    events = list(boto3.client("bedrock-runtime").converse_stream(modelId=model, messages=messages, inferenceConfig=config)["stream"])
    assert "messageStart" in events[0] and "metadata" in events[-1]


def test_03_converse():
    assert re.search(r"Input tokens: \d+, Output tokens: \d+", python("03-converse.py"))


def test_09_tool_use():
    out = python("09-tool-use.py", "import boto3, json\n")
    assert "Model wants to call: get_cloudwatch_metric(" in out
    assert "i-0abc123def456" in out and "CPUUtilization" in out and "AWS/EC2" in out
    assert "42.5" in out.splitlines()[-1]


def test_12_failover():
    hello = [{"role": "user", "content": [{"text": "hello"}]}]
    tail = f"\nprint(invoke_with_failover({hello!r}, 'anthropic.claude-3-5-sonnet-20241022-v2:0')['stopReason'])"
    assert python("12-failover.py", after=tail).strip().endswith("end_turn")
