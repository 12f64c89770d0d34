/** Whether a file begins as ONNX does: with the version of its format, and the name of who made it. By itself, as hosts without a network load nothing else of it. */
export function isOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[2] === 0x12;
}
