/** Uploads files straight to storage, several at a time. Loaded only where something is uploaded. */
import { AnonymousCredential, BlockBlobClient, newPipeline } from "@azure/storage-blob";

import { api, unwrap } from "@/api/client";

import { mediaOf, type Chosen } from "./images";

export interface UploadProgress {
  done: number;
  files: number;
  bytes: number;
  allBytes: number;
}

export interface UploadOutcome {
  /** Stored now or before. */
  stored: string[];
  /** There already with another size, and left as they are. */
  differing: Chosen[];
  /** `code` is that of words in the person's language, `why` the server's own. */
  refused: { path: string; why: string; code: string }[];
  /** Storage did not take them, also when asked again. */
  failed: Chosen[];
}

const AT_ONCE = 6;
const SIGNED_AT_ONCE = 100; // so that the last of them is sent long before its address expires
const BLOCK_BYTES = 8 * 1024 * 1024;
const TELL_EVERY_MS = 150;

export async function uploadImages(
  datasetId: string,
  chosen: readonly Chosen[],
  tell: (progress: UploadProgress) => void,
  signal: AbortSignal,
  overwrite = false,
): Promise<UploadOutcome> {
  const outcome: UploadOutcome = { stored: [], differing: [], refused: [], failed: [] };
  const progress: UploadProgress = {
    done: 0,
    files: chosen.length,
    bytes: 0,
    allBytes: chosen.reduce((sum, { file }) => sum + file.size, 0),
  };
  let toldAt = 0;
  const tellNow = (last = false) => {
    if (!last && Date.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = Date.now();
    tell({ ...progress });
  };
  const finish = (one: Chosen, sent: number) => {
    progress.done += 1;
    progress.bytes += one.file.size - sent;
    tellNow();
  };
  for (let at = 0; at < chosen.length; at += SIGNED_AT_ONCE) {
    const some = chosen.slice(at, at + SIGNED_AT_ONCE);
    const uploads = await addresses(datasetId, some, overwrite);
    const waiting = some.map((one, index) => ({ one, upload: uploads[index] }));
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { one, upload } = next;
        let sent = 0;
        if (upload?.url) {
          try {
            await put(upload.url, one, signal, (bytes) => {
              progress.bytes += bytes - sent;
              sent = bytes;
              tellNow();
            });
            outcome.stored.push(one.path);
          } catch (error) {
            if (signal.aborted) throw error;
            outcome.failed.push(one);
          }
        } else if (upload?.exists && upload.differs) outcome.differing.push(one);
        else if (upload?.exists) outcome.stored.push(one.path);
        else
          outcome.refused.push({
            path: one.path,
            why: upload?.refused ?? "",
            code: upload?.code ?? "",
          });
        finish(one, sent);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  tellNow(true);
  return outcome;
}

async function addresses(datasetId: string, chosen: readonly Chosen[], overwrite: boolean) {
  const answer = api.POST("/api/datasets/{dataset_id}/uploads", {
    params: { path: { dataset_id: datasetId } },
    body: {
      overwrite,
      files: chosen.map(({ file, path }) => ({
        path,
        size: file.size,
        type: mediaOf(path) ?? file.type,
      })),
    },
  });
  return (await unwrap(answer)).uploads;
}

// The address is signed; the library retries what fails in passing.
const pipeline = newPipeline(new AnonymousCredential(), {
  retryOptions: { maxTries: 5, retryDelayInMs: 500, maxRetryDelayInMs: 8_000 },
});

async function put(
  url: string,
  { file, path }: Chosen,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await putFile(url, file, mediaOf(path) ?? "application/octet-stream", onBytes, signal);
}

/** One file to a signed address, in blocks. */
export async function putFile(
  url: string,
  file: File,
  type: string,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  await new BlockBlobClient(url, pipeline).uploadData(file, {
    ...(signal && { abortSignal: signal }),
    blockSize: BLOCK_BYTES,
    maxSingleShotSize: BLOCK_BYTES,
    concurrency: 2,
    blobHTTPHeaders: { blobContentType: type },
    onProgress: ({ loadedBytes }) => onBytes(loadedBytes),
  });
}
