"""Runs example scripts without AWS and prints the requests that they would send.

Usage: record.py SCRIPT...

Python scripts see a boto3 whose clients note each call; shell scripts see an aws
command that does. All Python scripts share their variables, as the steps of one
session do. Output: a JSON list of {"script", "service", "operation", "input" or
"argv"}, where operation has no case or punctuation.
"""

import json
import os
import subprocess
import sys
import tempfile
import types

CALLS = []

# What scripts read out of responses to use in their next request.
RESPONSES = {
    "createagent": {"agent": {"agentId": "AGENT12345"}},
    "createknowledgebase": {"knowledgeBase": {"knowledgeBaseId": "KB12345678"}},
    "createguardrail": {"guardrailId": "guardrail123"},
    "createmodelcustomizationjob": {
        "jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.titan-text-express-v1/abcdefghijkl"
    },
    "getmodelcustomizationjob": {"status": "InProgress"},
    "retrieveandgenerate": {"output": {"text": "answer"}, "citations": []},
    "converse": {
        "stopReason": "tool_use",
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"text": "I will look."},
                    {"toolUse": {"toolUseId": "tooluse_1", "name": "a_tool", "input": {"region": "us-east-1"}}},
                ],
            }
        },
        "usage": {"inputTokens": 1, "outputTokens": 2},
    },
}


def plain(name):
    return "".join(c for c in name.lower() if c.isalnum())


class Client:
    def __init__(self, script, service):
        self.script, self.service = script, service
        self.exceptions = types.SimpleNamespace(ThrottlingException=ZeroDivisionError)

    def __getattr__(self, name):
        def call(**kwargs):
            CALLS.append(
                {"script": self.script, "service": self.service, "operation": plain(name), "input": kwargs}
            )
            response = RESPONSES.get(plain(name), {})
            return json.loads(json.dumps(response))

        return call


def run_python(path, variables):
    script = os.path.basename(path)
    boto3 = types.ModuleType("boto3")
    boto3.client = lambda service, **kwargs: Client(script, service)
    config = types.ModuleType("botocore.config")
    config.Config = lambda **kwargs: kwargs
    botocore = types.ModuleType("botocore")
    botocore.config = config
    sys.modules.update({"boto3": boto3, "botocore": botocore, "botocore.config": config})
    variables["boto3"] = boto3
    with open(path) as f:
        code = compile(f.read(), script, "exec")
    stdout, sys.stdout = sys.stdout, open(os.devnull, "w")
    try:
        exec(code, variables)
        failover = variables.get("invoke_with_failover")
        if failover:
            failover([{"role": "user", "content": [{"text": "hello"}]}], "anthropic.claude-3-5-sonnet-20241022-v2:0")
    finally:
        sys.stdout = stdout


AWS = """#!%(python)s
import json, sys
with open(%(log)r, "a") as f:
    f.write(json.dumps(sys.argv[1:]) + "\\n")
"""

# The scripts ask for times with another system's date.
DATE = """#!/bin/sh
case "$*" in
*%s*) echo 1700000000 ;;
*) echo 2023-11-14T22:13:20 ;;
esac
"""


def run_shell(path):
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        for name, text in (("aws", AWS % {"python": sys.executable, "log": log}), ("date", DATE)):
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
            os.chmod(f.name, 0o700)
        path_variable = folder + os.pathsep + os.environ["PATH"]
        subprocess.run(["bash", "-e", path], env={"PATH": path_variable}, check=True)
        with open(log) as f:
            for line in f:
                argv = json.loads(line)
                CALLS.append(
                    {
                        "script": os.path.basename(path),
                        "service": argv[0],
                        "operation": plain(argv[1]),
                        "argv": argv[2:],
                    }
                )


def main():
    shared = {"json": json, "__name__": "__main__"}
    for path in sys.argv[1:]:
        if path.endswith(".py"):
            run_python(path, shared)
        elif path.endswith(".sh"):
            run_shell(path)
    json.dump(CALLS, sys.stdout)


main()
