"""boto3: the catalog."""

import boto3
import pytest
from botocore.exceptions import ClientError
from conftest import CLAUDE


def test_list_and_filter(control):
    every = control.list_foundation_models()["modelSummaries"]
    assert any(m["modelId"] == CLAUDE and m["modelLifecycle"]["status"] == "ACTIVE" for m in every)
    f = lambda **kw: {m["modelId"] for m in control.list_foundation_models(**kw)["modelSummaries"]}  # noqa: E731
    assert f(byProvider="Anthropic") == {m["modelId"] for m in every if m["providerName"] == "Anthropic"} != set()
    assert f(byOutputModality="EMBEDDING") == {m["modelId"] for m in every if "EMBEDDING" in m["outputModalities"]} != set()
    assert f(byInferenceType="ON_DEMAND") < {m["modelId"] for m in every}
    assert f(byCustomizationType="FINE_TUNING") and f(byProvider="nobody") == set()


def test_get(control):
    by_id = control.get_foundation_model(modelIdentifier=CLAUDE)["modelDetails"]
    by_arn = control.get_foundation_model(modelIdentifier=by_id["modelArn"])["modelDetails"]
    assert by_id == by_arn and by_id["responseStreamingSupported"] is True
    with pytest.raises(ClientError) as e:
        control.get_foundation_model(modelIdentifier="no.such")
    assert e.value.response["Error"]["Code"] in ("ValidationException", "ResourceNotFoundException")


def test_availability(control):
    a = control.get_foundation_model_availability(modelId=CLAUDE)
    assert a["regionAvailability"] == "AVAILABLE" and a["entitlementAvailability"] == "AVAILABLE"


def test_inference_profiles(control):
    pages = list(control.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 3}))
    profiles = [p for page in pages for p in page["inferenceProfileSummaries"]]
    assert len(pages) > 1 and len({p["inferenceProfileId"] for p in profiles}) == len(profiles)
    one = control.get_inference_profile(inferenceProfileIdentifier="us." + CLAUDE)
    assert one["status"] == "ACTIVE" and one["type"] == "SYSTEM_DEFINED"
    assert any(m["modelArn"].endswith(CLAUDE) for m in one["models"])


def test_regions():
    for region in ("us-east-1", "us-west-2", "eu-west-1"):
        models = boto3.client("bedrock", region_name=region).list_foundation_models()["modelSummaries"]
        assert any(m["modelId"] == CLAUDE for m in models), region
        assert all(f":{region}:" in m["modelArn"] for m in models)


def test_not_built_is_loud(control):
    with pytest.raises(ClientError) as e:
        control.list_evaluation_jobs()
    assert "ListEvaluationJobs" in e.value.response["Error"]["Message"]
    assert "not implemented" in e.value.response["Error"]["Message"]
    assert e.value.response["ResponseMetadata"].get("RetryAttempts", 0) == 0
    with pytest.raises(ClientError) as e:
        boto3.client("bedrock-agent").list_agents()
    assert "ListAgents" in e.value.response["Error"]["Message"]
