"""The main job, through boto3: a question about a document with its citation, a tool
loop, a stream, and an error. Nothing in here knows that it is not talking to AWS."""

import json

import boto3
from botocore.exceptions import ClientError

MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
RUNBOOK = """# Payments service: disaster recovery

The payments service runs in us-east-1 with a warm standby in us-west-2.
Aurora replicates to the standby region with a lag below one second.

## Fail-over

The on-call engineer declares a disaster after ten minutes without a healthy primary.
To fail over, promote the Aurora replica in us-west-2, then move the Route 53 weight to the standby.
The recovery time objective is 15 minutes and the recovery point objective is 5 seconds.
Afterwards the finance team is informed by e-mail within two hours.
"""

TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_cloudwatch_metric",
                "description": "Gets CloudWatch metric statistics for a resource",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {
                            "namespace": {"type": "string"},
                            "metric_name": {"type": "string"},
                            "instance_id": {"type": "string"},
                        },
                        "required": ["namespace", "metric_name", "instance_id"],
                    }
                },
            }
        },
        {
            "toolSpec": {
                "name": "create_ticket",
                "description": "Opens a ticket for the operations team",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {"title": {"type": "string"}, "severity": {"type": "string", "enum": ["low", "high"]}},
                        "required": ["title"],
                    }
                },
            }
        },
    ]
}


def step(text):
    print(f"\n\033[1m▸ {text}\033[0m")


def served(response):
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    print(f"  ({headers['x-outcrop-served-by']}; {response['usage']['inputTokens']} tokens in, {response['usage']['outputTokens']} out)")


def main():
    bedrock = boto3.client("bedrock-runtime")

    step("boto3: a question about a document, answered with its citation")
    question = "What is the recovery time objective of the payments service?"
    response = bedrock.converse(
        modelId=MODEL,
        messages=[
            {
                "role": "user",
                "content": [
                    {"text": question},
                    {"document": {"format": "md", "name": "runbook", "source": {"bytes": RUNBOOK.encode()}, "citations": {"enabled": True}}},
                ],
            }
        ],
    )
    print(f"  Q: {question}")
    for block in response["output"]["message"]["content"]:
        if "citationsContent" in block:
            content = block["citationsContent"]
            print("  A:", "".join(c["text"] for c in content["content"]))
            for citation in content["citations"]:
                print(f"     cited from {citation['title']}: {json.dumps(citation['location'])}")
        elif "text" in block:
            print("  A:", block["text"])
    served(response)

    step("boto3: a tool loop")
    messages = [{"role": "user", "content": [{"text": "What is the CPU utilization of instance i-0a1b2c3d4e5f67890?"}]}]
    response = bedrock.converse(modelId=MODEL, messages=messages, toolConfig=TOOLS)
    messages.append(response["output"]["message"])
    results = []
    for block in response["output"]["message"]["content"]:
        if "toolUse" in block:
            use = block["toolUse"]
            print(f"  the model calls {use['name']}({json.dumps(use['input'])})")
            results.append({"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"average": 71.3, "unit": "Percent"}}]}})
    messages.append({"role": "user", "content": results})
    response = bedrock.converse(modelId=MODEL, messages=messages, toolConfig=TOOLS)
    print("  and says:", response["output"]["message"]["content"][0]["text"])
    served(response)

    step("boto3: a stream, through an inference profile")
    stream = bedrock.converse_stream(
        modelId="us." + MODEL,
        system=[{"text": RUNBOOK}],
        messages=[{"role": "user", "content": [{"text": "How do we fail over?"}]}],
    )
    print("  ", end="")
    pieces = 0
    for event in stream["stream"]:
        if "contentBlockDelta" in event:
            pieces += 1
            print(event["contentBlockDelta"]["delta"].get("text", ""), end="", flush=True)
    print(f"\n  ({pieces} pieces)")

    step("boto3: what is wrong is said as Bedrock says it")
    try:
        bedrock.converse(modelId="anthropic.claude-99", messages=[{"role": "user", "content": [{"text": "hello"}]}])
    except ClientError as error:
        print(f"  {error}")


if __name__ == "__main__":
    main()
