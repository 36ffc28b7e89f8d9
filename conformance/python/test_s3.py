"""S3 with boto3 and the AWS CLI: buckets, objects, uploads in parts, presigned URLs."""

import base64
import hashlib
import os
import socket
import threading
import urllib.error
import urllib.request
import uuid
import zlib

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture(scope="session")
def s3():
    return boto3.client("s3")


@pytest.fixture
def bucket(s3):
    name = f"test-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        if page.get("Contents"):
            s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": o["Key"]} for o in page["Contents"]], "Quiet": True})
    s3.delete_bucket(Bucket=name)


def refused(code, status, f, **kwargs):
    with pytest.raises(ClientError) as e:
        f(**kwargs)
    error = e.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    return error


def fetch(url, method="GET", data=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method, headers=headers or {})) as r:
            return r.status, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


POLYNOMIALS = {"CRC32C": (0x82F63B78, 4), "CRC64NVME": (0x9A6C9329AC4BC9B5, 8)}


def crc(data, polynomial, size):
    """A reflected CRC, bit by bit."""
    ones = (1 << 8 * size) - 1
    value = ones
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return base64.b64encode((value ^ ones).to_bytes(size, "big")).decode()


def test_buckets(s3, bucket):
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == os.environ["AWS_REGION"]
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    west = boto3.client("s3", region_name="us-west-2")
    there = f"{bucket[:50]}-west"
    west.create_bucket(Bucket=there, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    assert s3.get_bucket_location(Bucket=there)["LocationConstraint"] == "us-west-2"
    refused("BucketAlreadyOwnedByYou", 409, west.create_bucket, Bucket=there, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    west.delete_bucket(Bucket=there)
    refused("NoSuchBucket", 404, s3.list_objects_v2, Bucket=there)
    refused("InvalidLocationConstraint", 400, s3.create_bucket, Bucket=there, CreateBucketConfiguration={"LocationConstraint": "mars-1"})
    refused("404", 404, s3.head_bucket, Bucket=there)
    refused("NotImplemented", 501, s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def test_put_get_head(s3, bucket):
    made = s3.put_object(Bucket=bucket, Key="a b/ü+%", Body=b"hello", ContentType="text/x", CacheControl="no-store", Metadata={"who": "me", "uni": "abc"}, Tagging="a=1&b=2")
    assert made["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert made["ChecksumCRC32"] == base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode()
    got = s3.get_object(Bucket=bucket, Key="a b/ü+%")
    assert got["Body"].read() == b"hello" and got["ContentType"] == "text/x" and got["CacheControl"] == "no-store"
    assert got["Metadata"] == {"who": "me", "uni": "abc"} and got["TagCount"] == 2
    head = s3.head_object(Bucket=bucket, Key="a b/ü+%", ChecksumMode="ENABLED")
    assert head["ContentLength"] == 5 and head["ChecksumCRC32"] == made["ChecksumCRC32"] and head["ChecksumType"] == "FULL_OBJECT"
    part = s3.get_object(Bucket=bucket, Key="a b/ü+%", Range="bytes=1-3")
    assert part["Body"].read() == b"ell" and part["ContentRange"] == "bytes 1-3/5" and part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert s3.get_object(Bucket=bucket, Key="a b/ü+%", Range="bytes=-2")["Body"].read() == b"lo"
    refused("InvalidRange", 416, s3.get_object, Bucket=bucket, Key="a b/ü+%", Range="bytes=5-")
    assert s3.get_object(Bucket=bucket, Key="a b/ü+%", ResponseContentType="x/y")["ContentType"] == "x/y"
    refused("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="none")
    refused("404", 404, s3.head_object, Bucket=bucket, Key="none")
    attributes = s3.get_object_attributes(Bucket=bucket, Key="a b/ü+%", ObjectAttributes=["ETag", "ObjectSize", "Checksum"])
    assert attributes["ObjectSize"] == 5 and attributes["ETag"] == made["ETag"].strip('"') and attributes["Checksum"]["ChecksumCRC32"]
    s3.put_object(Bucket=bucket, Key="empty")
    assert s3.get_object(Bucket=bucket, Key="empty")["Body"].read() == b""
    refused("NotImplemented", 501, s3.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    refused("NotImplemented", 501, s3.get_object_acl, Bucket=bucket, Key="empty")


def test_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [0, 5, 30_000])
def test_checksums(s3, bucket, algorithm, size):
    body = os.urandom(size)
    how = {"ChecksumAlgorithm": algorithm}
    if algorithm in POLYNOMIALS:  # which boto3 computes with an extra package only
        how = {f"Checksum{algorithm}": crc(body, *POLYNOMIALS[algorithm])}
    made = s3.put_object(Bucket=bucket, Key="k", Body=body, **how)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == body and got[f"Checksum{algorithm}"] == made[f"Checksum{algorithm}"]


def test_wrong_checksums(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    refused("BadDigest", 400, s3.put_object, Bucket=bucket, Key="k", Body=b"new", ChecksumSHA256=base64.b64encode(bytes(32)).decode())
    refused("BadDigest", 400, s3.put_object, Bucket=bucket, Key="k", Body=b"new", ContentMD5=base64.b64encode(bytes(16)).decode())
    refused("InvalidDigest", 400, s3.put_object, Bucket=bucket, Key="k", Body=b"new", ContentMD5="x")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"


def test_unsigned_and_signed_payloads(bucket):
    for payload in (True, False):
        client = boto3.client("s3", config=Config(s3={"payload_signing_enabled": payload}))
        client.put_object(Bucket=bucket, Key="k", Body=b"body")
        assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"


def test_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    refused("PreconditionFailed", 412, s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    refused("PreconditionFailed", 412, s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"' + "0" * 32 + '"')
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)["ETag"] != etag
    refused("NoSuchKey", 404, s3.put_object, Bucket=bucket, Key="none", Body=b"2", IfMatch=etag)
    refused("PreconditionFailed", 412, s3.get_object, Bucket=bucket, Key="k", IfMatch=etag)
    now = s3.head_object(Bucket=bucket, Key="k")
    refused("304", 304, s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=now["ETag"])
    refused("304", 304, s3.head_object, Bucket=bucket, Key="k", IfModifiedSince=now["LastModified"])
    refused("PreconditionFailed", 412, s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k", CopySourceIfMatch=etag)
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=bucket, Key="k", IfMatch=etag)


def test_listing(s3, bucket):
    keys = ["a", "b/1", "b/2", "b/c/3", "c d", "e&<", "z"]
    for k in keys:
        s3.put_object(Bucket=bucket, Key=k, Body=k.encode())
    for size in (1, 2, 3, 1000):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert [o["Key"] for p in pages for o in p.get("Contents", [])] == keys
        pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert [o["Key"] for p in pages for o in p.get("Contents", [])] == keys
        seen = []
        for p in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}):
            seen += [o["Key"] for o in p.get("Contents", [])] + [c["Prefix"] for c in p.get("CommonPrefixes", [])]
        assert sorted(seen) == ["a", "b/", "c d", "e&<", "z"]
        seen = []
        for p in s3.get_paginator("list_objects").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}):
            seen += [o["Key"] for o in p.get("Contents", [])] + [c["Prefix"] for c in p.get("CommonPrefixes", [])]
        assert sorted(seen) == ["a", "b/", "c d", "e&<", "z"]
    page = s3.list_objects_v2(Bucket=bucket, Prefix="b/", Delimiter="/", FetchOwner=True)
    assert [o["Key"] for o in page["Contents"]] == ["b/1", "b/2"] and page["CommonPrefixes"] == [{"Prefix": "b/c/"}] and page["KeyCount"] == 3
    assert page["Contents"][0]["Owner"]["ID"] and page["Contents"][0]["Size"] == 3
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, StartAfter="c d")["Contents"]] == ["e&<", "z"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket=bucket, ContinuationToken="nonsense")


def test_delete_many(s3, bucket):
    for n in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"x")
    out = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k0"}, {"Key": "none"}, {"Key": "k1", "VersionId": "abc"}]})
    assert [d["Key"] for d in out["Deleted"]] == ["k0", "none"]
    assert out["Errors"][0]["Key"] == "k1" and out["Errors"][0]["Code"] == "NoSuchVersion"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 4
    assert s3.delete_object(Bucket=bucket, Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_copy(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a/ü b", Body=b"body", ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a/ü b"})
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Body"].read() == b"body" and got["ContentType"] == "a/b" and got["Metadata"] == {"m": "1"} and got["TagCount"] == 1
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "copy"}, MetadataDirective="REPLACE", ContentType="c/d", Metadata={"n": "2"})
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert head["ContentType"] == "c/d" and head["Metadata"] == {"n": "2"}
    refused("InvalidRequest", 400, s3.copy_object, Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "copy"})
    refused("NoSuchKey", 404, s3.copy_object, Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "none"})


def test_multipart(s3, bucket):
    u = s3.create_multipart_upload(Bucket=bucket, Key="big", ContentType="a/b")["UploadId"]
    first, second = os.urandom(5 * MIB), os.urandom(7)
    parts = []
    for n, body in ((2, second), (1, first)):
        parts.append({"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="big", UploadId=u, PartNumber=n, Body=body)["ETag"]})
    assert [p["PartNumber"] for p in s3.list_parts(Bucket=bucket, Key="big", UploadId=u)["Parts"]] == [1, 2]
    assert [x["UploadId"] for x in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [u]
    refused("InvalidPartOrder", 400, s3.complete_multipart_upload, Bucket=bucket, Key="big", UploadId=u, MultipartUpload={"Parts": parts})
    bad = [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]
    refused("InvalidPart", 400, s3.complete_multipart_upload, Bucket=bucket, Key="big", UploadId=u, MultipartUpload={"Parts": bad})
    parts.reverse()
    made = s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=u, MultipartUpload={"Parts": parts})
    whole = hashlib.md5(hashlib.md5(first).digest() + hashlib.md5(second).digest()).hexdigest()
    assert made["ETag"] == f'"{whole}-2"'
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == first + second
    assert s3.get_object(Bucket=bucket, Key="big", PartNumber=2)["Body"].read() == second
    assert s3.head_object(Bucket=bucket, Key="big", PartNumber=1)["PartsCount"] == 2
    refused("NoSuchUpload", 404, s3.abort_multipart_upload, Bucket=bucket, Key="big", UploadId=u)
    u = s3.create_multipart_upload(Bucket=bucket, Key="copied")["UploadId"]
    p = s3.upload_part_copy(Bucket=bucket, Key="copied", UploadId=u, PartNumber=1, CopySource=f"{bucket}/big", CopySourceRange="bytes=3-12")
    s3.complete_multipart_upload(Bucket=bucket, Key="copied", UploadId=u, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": p["CopyPartResult"]["ETag"]}]})
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == first[3:13]
    u = s3.create_multipart_upload(Bucket=bucket, Key="x")["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="x", UploadId=u, PartNumber=n, Body=b"small")["ETag"]} for n in (1, 2)]
    refused("EntityTooSmall", 400, s3.complete_multipart_upload, Bucket=bucket, Key="x", UploadId=u, MultipartUpload={"Parts": parts})
    s3.abort_multipart_upload(Bucket=bucket, Key="x", UploadId=u)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_transfer_manager(s3, bucket, tmp_path, algorithm):
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(os.urandom(17 * MIB + 3))
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    s3.upload_file(str(source), bucket, "big", Config=config, ExtraArgs={"ChecksumAlgorithm": algorithm})
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-4"')
    s3.download_file(bucket, "big", str(target), Config=config)
    assert source.read_bytes() == target.read_bytes()
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == source.read_bytes()


@pytest.mark.parametrize("version", [None, "s3v4"])
def test_presigned(bucket, version):
    s3 = boto3.client("s3", config=Config(signature_version=version))
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "p q"}, ExpiresIn=60)
    assert fetch(url, "PUT", b"body", {"Content-Type": ""})[0] == 200  # the older form signs a content type
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "p q", "ResponseContentType": "x/y"}, ExpiresIn=60)
    assert fetch(url) == (200, b"body")
    status, text = fetch(url.replace("p%20q", "other"))
    assert status == 403 and b"SignatureDoesNotMatch" in text
    assert fetch(url, "DELETE")[0] == 403
    status, text = fetch(url.split("?")[0])
    assert status in (403, 404)


def test_virtual_host_style(bucket, monkeypatch):
    resolve = socket.getaddrinfo  # not every system knows the names below localhost
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *a, **k))
    endpoint = os.environ["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
    client = boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "virtual"}))
    client.put_object(Bucket=bucket, Key="k", Body=b"virtual")
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"virtual"
    assert [o["Key"] for o in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_wrong_credentials(bucket):
    wrong = boto3.client("s3", aws_secret_access_key="wrong", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
    refused("SignatureDoesNotMatch", 403, wrong.list_objects_v2, Bucket=bucket)
    unknown = boto3.client("s3", aws_secret_access_key="wrong", aws_access_key_id="AKIANOBODY")
    refused("InvalidAccessKeyId", 403, unknown.list_objects_v2, Bucket=bucket)


def test_one_first_writer(s3, bucket):
    won = []

    def write(n):
        try:
            s3.put_object(Bucket=bucket, Key="first", Body=str(n).encode(), IfNoneMatch="*")
            won.append(n)
        except ClientError as e:
            assert e.response["Error"]["Code"] == "PreconditionFailed"

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(won) == 1 and s3.get_object(Bucket=bucket, Key="first")["Body"].read() == str(won[0]).encode()


def test_cli(aws, tmp_path):
    bucket = f"cli-{uuid.uuid4()}"
    assert f"make_bucket: {bucket}" in aws("s3", "mb", f"s3://{bucket}")
    tree = tmp_path / "tree"
    for name, size in {"a.txt": 10, "dir/b c.txt": 20, "dir/deep/ü.bin": 9 * MIB, "empty": 0}.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(os.urandom(size))
    aws("s3", "sync", str(tree), f"s3://{bucket}/t")
    assert aws("s3", "sync", str(tree), f"s3://{bucket}/t") == "", "the second sync has nothing to do"
    listed = aws("s3", "ls", f"s3://{bucket}/t/", "--recursive", "--summarize")
    assert "Total Objects: 4" in listed and "t/dir/b c.txt" in listed
    assert "PRE dir/" in aws("s3", "ls", f"s3://{bucket}/t/")
    back = tmp_path / "back"
    aws("s3", "sync", f"s3://{bucket}/t", str(back))
    for name in ("a.txt", "dir/b c.txt", "dir/deep/ü.bin", "empty"):
        assert (back / name).read_bytes() == (tree / name).read_bytes()
    aws("s3", "cp", f"s3://{bucket}/t/a.txt", f"s3://{bucket}/copy.txt")
    url = aws("s3", "presign", f"s3://{bucket}/copy.txt").strip()
    assert fetch(url) == (200, (tree / "a.txt").read_bytes())
    (tree / "a.txt").unlink()
    assert "delete" in aws("s3", "sync", str(tree), f"s3://{bucket}/t", "--delete")
    aws("s3", "mv", f"s3://{bucket}/copy.txt", f"s3://{bucket}/moved.txt")
    assert "NoSuchBucket" in aws("s3", "ls", "s3://no-such-bucket-at-all", ok=False)
    assert "BucketNotEmpty" in aws("s3", "rb", f"s3://{bucket}", ok=False)
    aws("s3", "rm", f"s3://{bucket}", "--recursive")
    aws("s3", "rb", f"s3://{bucket}")
