/** Parts of a zip file (APPNOTE 6.3.10), each unfolded only as far as somebody reads it. */
export interface Part {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly folded: boolean;
}

const endOfDirectory = 0x06054b50;
const directoryEntry = 0x02014b50;
const endBytesMin = 22;
const commentBytesMax = 65_535;

const damaged = (): Error =>
  new Error('The workbook cannot be read here: it is cut off, damaged or protected by a password.');

const viewOf = async (file: Blob, from: number, to?: number): Promise<DataView> =>
  new DataView(await file.slice(from, to).arrayBuffer());

/** @throws Error with a sentence for people where it is no zip file. */
export const partsOf = async (file: Blob): Promise<readonly Part[]> => {
  const tail = await viewOf(file, Math.max(0, file.size - endBytesMin - commentBytesMax));
  let end = tail.byteLength - endBytesMin;
  while (end >= 0 && tail.getUint32(end, true) !== endOfDirectory) end--;
  if (end < 0) throw damaged();
  const [count, size, from] = [
    tail.getUint16(end + 10, true),
    tail.getUint32(end + 12, true),
    tail.getUint32(end + 16, true),
  ];
  return listed(await viewOf(file, from, from + size), count);
};

const listed = (view: DataView, count: number): readonly Part[] => {
  const parts: Part[] = [];
  for (let at = 0; parts.length < count; ) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== directoryEntry) throw damaged();
    const lengths = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const [nameBytes = 0, extra = 0, comment = 0] = lengths;
    parts.push({
      name: new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, nameBytes)),
      at: view.getUint32(at + 42, true),
      size: view.getUint32(at + 20, true),
      folded: view.getUint16(at + 10, true) === 8,
    });
    at += 46 + nameBytes + extra + comment;
  }
  return parts;
};

/** Reads until it has seen enough or the part ends; at most `charsMax`. */
export const readPart = async (
  file: Blob,
  { at, size, folded }: Part,
  charsMax: number,
  enough: (text: string) => boolean,
): Promise<string> => {
  const head = await viewOf(file, at, at + 30);
  if (head.byteLength < 30) throw damaged();
  const from = at + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const bytes = file.slice(from, from + size).stream();
  const unfolded = folded ? bytes.pipeThrough(new DecompressionStream('deflate-raw')) : bytes;
  const reader = unfolded.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    while (text.length < charsMax && !enough(text)) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
  } catch {
    throw damaged();
  }
  void reader.cancel().catch(() => undefined);
  return text;
};
