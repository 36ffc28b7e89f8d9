// S3 with the AWS SDK for JavaScript; run.sh sets the environment.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';

import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';

const s3 = new S3Client({});

async function makeBucket() {
  const Bucket = `js-${randomUUID()}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

async function read(params) {
  const out = await s3.send(new GetObjectCommand({ ChecksumMode: 'ENABLED', ...params }));
  return Buffer.from(await out.Body.transformToByteArray());
}

test('objects, with every checksum', async () => {
  const Bucket = await makeBucket();
  const body = randomBytes(100_000);
  for (const ChecksumAlgorithm of [undefined, 'CRC32', 'CRC32C', 'SHA1', 'SHA256']) {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a b/ü', Body: body, ChecksumAlgorithm, Metadata: { who: 'me' } }));
    assert.deepEqual(await read({ Bucket, Key: 'a b/ü' }), body);
  }
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a b/ü' }));
  assert.equal(head.ContentLength, body.length);
  assert.deepEqual(head.Metadata, { who: 'me' });
  assert.deepEqual(await read({ Bucket, Key: 'a b/ü', Range: 'bytes=5-9' }), body.subarray(5, 10));
  await assert.rejects(read({ Bucket, Key: 'none' }), { name: 'NoSuchKey' });
});

test('a stream, sent in chunks with a trailing checksum', async () => {
  const Bucket = await makeBucket();
  const chunks = Array.from({ length: 20 }, () => randomBytes(30_000));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: Readable.from(chunks, { objectMode: false }), ContentLength: 600_000 }));
  assert.deepEqual(await read({ Bucket, Key: 'k' }), Buffer.concat(chunks));
});

test('listings and deletes', async () => {
  const Bucket = await makeBucket();
  const keys = Array.from({ length: 12 }, (_, n) => `dir${n % 3}/k${String(n).padStart(2, '0')}`).sort();
  await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))));
  const seen = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 5 }, { Bucket })) seen.push(...page.Contents.map((o) => o.Key));
  assert.deepEqual(seen, keys);
  const top = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
  assert.deepEqual(top.CommonPrefixes.map((p) => p.Prefix), ['dir0/', 'dir1/', 'dir2/']);
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  assert.equal(gone.Deleted.length, keys.length);
  assert.equal((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
});

test('an upload in parts', async () => {
  const Bucket = await makeBucket();
  const Key = 'big';
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' }));
  const bodies = [randomBytes(5 << 20), randomBytes(9)];
  const Parts = await Promise.all(
    bodies.map(async (Body, n) => {
      const p = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: n + 1, Body, ChecksumAlgorithm: 'CRC32' }));
      return { PartNumber: n + 1, ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32 };
    }),
  );
  const made = await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  assert.match(made.ETag, /-2"$/);
  assert.deepEqual(await read({ Bucket, Key }), Buffer.concat(bodies));
});

test('conditional writes', async () => {
  const Bucket = await makeBucket();
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '1', IfNoneMatch: '*' }));
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '2', IfNoneMatch: '*' })), { name: 'PreconditionFailed' });
});
