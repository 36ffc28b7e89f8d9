"""boto3: signatures, keys and clocks."""

import base64
import datetime
import email.utils
import json
import os
import re
import subprocess
import time

import boto3
import botocore.auth
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
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


@pytest.mark.parametrize("minutes, word", [(-6, "expired"), (6, "not yet current")])
def test_clock_skew(monkeypatch, minutes, word):
    """A signature from a wrong clock is refused, with a Date header to correct it by."""
    real = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, **k: real(*a, **k) + datetime.timedelta(minutes=minutes))
    with pytest.raises(ClientError) as e:
        boto3.client("bedrock").list_foundation_models()
    error = e.value.response["Error"]
    assert error["Code"] == "InvalidSignatureException" and word in error["Message"], error
    date = e.value.response["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 5


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


def over_tls(monkeypatch, token):
    """A client with a bearer key and no access key, at the server that has TLS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", token)
    return boto3.client("bedrock-runtime", endpoint_url=os.environ["OUTCROP_TLS_URL"])


def test_bearer_key(monkeypatch):
    key = os.environ["OUTCROP_BEARER"]
    with monkeypatch.context() as m:
        assert over_tls(m, key).converse(modelId=CLAUDE, messages=HELLO)["stopReason"] == "end_turn"
    with monkeypatch.context() as m:
        assert code(over_tls(m, key[:-3] + "xyz").converse, modelId=CLAUDE, messages=HELLO)[0] in ("UnrecognizedClientException", "AccessDeniedException")


def test_short_term_bearer_key(monkeypatch):
    """The form that AWS's token generator makes: a presigned URL in base64."""
    keys = dict(re.findall(r"export (\w+)='([^']*)'", os.environ["OUTCROP_TLS_CREDENTIALS"]))
    request = AWSRequest(method="POST", url="https://bedrock.amazonaws.com/", headers={"host": "bedrock.amazonaws.com"}, params={"Action": "CallWithBearerToken"})
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    SigV4QueryAuth(credentials, "bedrock", "us-east-1", expires=3600).add_auth(request)
    token = "bedrock-api-key-" + base64.b64encode((request.url.removeprefix("https://") + "&Version=1").encode()).decode()
    assert over_tls(monkeypatch, token).converse(modelId=CLAUDE, messages=HELLO)["stopReason"] == "end_turn"


def wait_for(condition, seconds=5):
    """Tries until condition is true; the server notices keys within a second."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (ClientError, AssertionError, pytest.fail.Exception):
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "condition did not come true"
        time.sleep(0.1)
