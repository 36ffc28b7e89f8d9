"""Clients aimed at whatever AWS_ENDPOINT_URL names; run.sh sets the environment."""

import os
import subprocess

import boto3
import pytest
from botocore.config import Config

CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
SCRIPTED = "test.scripted"


@pytest.fixture(scope="session")
def runtime():
    return boto3.client("bedrock-runtime")


@pytest.fixture(scope="session")
def control():
    return boto3.client("bedrock")


@pytest.fixture
def runtime_with():
    """A runtime client with a configuration of its own, e.g. a retry mode."""

    def make(**config):
        return boto3.client("bedrock-runtime", config=Config(**config))

    return make


@pytest.fixture(scope="session")
def aws():
    """The AWS CLI, as a function that returns its standard output."""

    def run(*args, ok=True, env=None):
        p = subprocess.run(["aws", *args], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
        if ok:
            assert p.returncode == 0, p.stderr
            return p.stdout
        assert p.returncode != 0, p.stdout
        return p.stderr

    return run
