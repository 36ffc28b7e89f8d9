"""boto3: signatures, keys and clocks."""

import datetime
import json
import os
import subprocess
from unittest import mock

import boto3
import botocore.auth
import pytest
from botocore.exceptions import ClientError
from conftest import CLAUDE

HELLO = [{"role": "user", "content": [{"text": "hello"}]}]


def code(call, *args, **kw):
    with pytest.raises(ClientError) as e:
        call(*args, **kw)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


def test_caller_identity():
    me = boto3.client("sts").get_caller_identity()
    assert me["Account"] == "123456789012" and me["Arn"] == "arn:aws:iam::123456789012:root"


def test_wrong_secret():
    bad = dict(aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key="wrong")
    assert code(boto3.client("bedrock", **bad).list_foundation_models)[0] == "InvalidSignatureException"
    assert code(boto3.client("sts", **bad).get_caller_identity)[0] == "SignatureDoesNotMatch"


def test_unknown_key():
    bad = dict(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x")
    assert code(boto3.client("bedrock", **bad).list_foundation_models)[0] == "UnrecognizedClientException"
    assert code(boto3.client("sts", **bad).get_caller_identity)[0] == "InvalidClientTokenId"


def test_clock_skew():
    """A signature from a wrong clock is refused, with a Date header to correct it by."""
    real = datetime.datetime

    def skewed(hours):
        class Wrong(real):
            @classmethod
            def utcnow(cls):
                return real.utcnow() + datetime.timedelta(hours=hours)

            @classmethod
            def now(cls, tz=None):
                return real.now(tz) + datetime.timedelta(hours=hours)

        return Wrong

    client = boto3.client("bedrock")
    for hours, word in ((-1, "expired"), (1, "not yet current")):
        with mock.patch.object(botocore.auth, "get_current_datetime", lambda *a, h=hours, **k: skewed(h).utcnow(), create=True), mock.patch(
            "botocore.auth.datetime", mock.Mock(datetime=skewed(hours), wraps=datetime), create=True
        ):
            c, message = code(client.list_foundation_models)
        assert c == "InvalidSignatureException" and word in message, message


def outcrop(*args):
    p = subprocess.run(["outcrop", *args, *os.environ["OUTCROP_FLAGS"].split()], capture_output=True, text=True, timeout=30)
    assert p.returncode == 0, p.stderr
    return p.stdout


def test_key_with_few_rights():
    made = json.loads(outcrop("key", "create", "few-rights", "--allow", "bedrock:ListFoundationModels", "--json"))
    keys = dict(aws_access_key_id=made["accessKeyId"], aws_secret_access_key=made["secretAccessKey"])
    wait_for(lambda: boto3.client("bedrock", **keys).list_foundation_models())
    c, message = code(boto3.client("bedrock-runtime", **keys).converse, modelId=CLAUDE, messages=HELLO)
    assert c == "AccessDeniedException" and "bedrock:InvokeModel" in message and CLAUDE in message
    outcrop("key", "revoke", made["accessKeyId"])
    wait_for(lambda: code(boto3.client("bedrock", **keys).list_foundation_models)[0] == "UnrecognizedClientException")


def test_bearer_key(monkeypatch):
    made = json.loads(outcrop("key", "create", "bearer", "--bearer", "--json"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", made["apiKey"])
    wait_for(lambda: boto3.client("bedrock-runtime").converse(modelId=CLAUDE, messages=HELLO)["stopReason"] == "end_turn")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", made["apiKey"][:-3] + "xyz")
    assert code(boto3.client("bedrock-runtime").converse, modelId=CLAUDE, messages=HELLO)[0] in ("UnrecognizedClientException", "AccessDeniedException")


def test_short_term_bearer_key(monkeypatch):
    """The form that AWS's token generator makes: a presigned URL in base64."""
    import base64

    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest(method="POST", url="https://bedrock.amazonaws.com/", headers={"host": "bedrock.amazonaws.com"}, params={"Action": "CallWithBearerToken"})
    SigV4QueryAuth(Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]), "bedrock", "us-east-1", expires=3600).add_auth(request)
    token = "bedrock-api-key-" + base64.b64encode((request.url.removeprefix("https://") + "&Version=1").encode()).decode()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", token)
    assert boto3.client("bedrock-runtime").converse(modelId=CLAUDE, messages=HELLO)["stopReason"] == "end_turn"


def wait_for(condition, seconds=5):
    import time

    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (ClientError, AssertionError):
            pass
        if time.monotonic() > end:
            condition()
            raise AssertionError("condition did not come true")
        time.sleep(0.1)
