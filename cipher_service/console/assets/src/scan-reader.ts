// Decodes pictures in a worker of its own, whose answer alone allows WebAssembly; where that does
// not start, a decoder without it takes its place.
import decodeQR from "qr/decode.js";
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";

interface Task {
  id: number;
  bitmap: ImageBitmap;
}

let ready: Promise<boolean> = Promise.resolve(false);

self.onmessage = async ({ data }: MessageEvent<Task | { wasm: string }>) => {
  if ("wasm" in data) {
    ready = Promise.resolve(
      prepareZXingModule({
        overrides: { locateFile: () => data.wasm },
        fireImmediately: true,
      }),
    ).then(
      () => true,
      () => false,
    );
    return;
  }
  self.postMessage({ id: data.id, texts: await texts(pixels(data.bitmap)) });
};

async function texts(image: ImageData): Promise<string[]> {
  if (!(await ready)) return withoutWasm(image);
  try {
    const found = await readBarcodes(image, { formats: ["QRCode"], tryHarder: true });
    return found.filter((each) => each.isValid).map((each) => each.text);
  } catch {
    return withoutWasm(image);
  }
}

function withoutWasm(image: ImageData): string[] {
  try {
    return [decodeQR(image)];
  } catch {
    return []; // nothing is seen in this picture
  }
}

function pixels(bitmap: ImageBitmap): ImageData {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
