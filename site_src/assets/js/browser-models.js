// The models of a site in a worker: ONNX Runtime and the files of the folder models, fetched when first asked for.
self.tdsBrowserModels = (/** @type {string} */ root, /** @type {any} */ listed, /** @type {any} */ told) => {
  "use strict";
  const { env, InferenceSession, Tensor, Tokenizer } = self.tdsOnnx;
  const VENDOR = "assets/vendor/onnx/",
    CHUNK = 64; // tokens read at a time: their logits are looked at, and dropped
  /** @type {Map<string, Promise<any>>} */
  const open = new Map();
  let fetched = 0;

  async function file(/** @type {string} */ path) {
    const answer = await fetch(new URL(path, root));
    if (!answer.ok) throw new Error(`${path}: the server of this site said ${answer.status}`);
    const parts = [];
    const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      parts.push(read.value);
      fetched += read.value.length;
      told(`Loading the models: ${(fetched / 1e6).toFixed(1)} MB …`);
    }
    return { blob: new Blob(parts), plain: answer.headers.get("content-encoding") === "gzip" };
  }
  const bytes = async (/** @type {string} */ name) => new Uint8Array(await (await file(name)).blob.arrayBuffer());

  async function runtime() {
    const { blob, plain } = await file(`${VENDOR}ort-wasm-simd-threaded.wasm.gz`);
    const stream = plain ? blob.stream() : blob.stream().pipeThrough(new DecompressionStream("gzip"));
    Object.assign(env.wasm, { numThreads: 1, wasmBinary: await new Response(stream).arrayBuffer() });
  }

  // One thing of a name is made once; one that failed is tried again.
  function once(/** @type {string} */ name, /** @type {() => Promise<any>} */ make) {
    const made = open.get(name) ?? make();
    open.set(name, made);
    made.catch(() => open.delete(name));
    return made;
  }
  const text = (/** @type {string} */ name) =>
    once(name, async () => {
      const plan = JSON.parse(await (await file(`models/${name}`)).blob.text());
      return self.tdsBrowserText(plan, Tokenizer);
    });

  /** A model of this name: its tokens' text, and `run`. */
  const model = (/** @type {string} */ name) =>
    once(`model ${name}`, async () => {
      const of = listed.models[name];
      await once("runtime", runtime);
      const [graph, ...weights] = await Promise.all([of.graph, ...of.weights].map((x) => bytes(`models/${x}`)));
      const externalData = of.weights.map((path, i) => ({ path, data: weights[i] }));
      const session = await InferenceSession.create(graph, { externalData });
      return { ...of, name, session, text: await text(of.tokenizer), kept: { ids: [], past: new Float32Array(0) } };
    });

  const whole = (/** @type {number[]} */ values) =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), [values.length]);

  /** Reads on behind `kept`; `from`: the first of these tokens behind which logits are wanted. */
  async function run(/** @type {any} */ of, /** @type {number[]} */ ids, /** @type {number} */ from) {
    const known = of.kept.ids,
      [layers, heads, width] = of.past;
    const { logits, present } = await of.session.run({
      ids: whole(ids),
      positions: whole(ids.map((_, i) => known.length + i)),
      past: new Tensor("float32", of.kept.past, [layers, heads, known.length, width]),
      from: whole([from]),
    });
    of.kept = { ids: [...known, ...ids], past: present.data };
    return (/** @type {number} */ row) => logits.data.subarray(row * of.words, (row + 1) * of.words);
  }
  function forget(/** @type {any} */ of, /** @type {number[]} */ ids) {
    const { ids: known } = of.kept;
    if (known.length >= ids.length || known.some((id, i) => id !== ids[i]))
      of.kept = { ids: [], past: new Float32Array(0) };
  }

  /** The logits behind the last of these tokens. What was read before is not read again. */
  async function next(/** @type {any} */ of, /** @type {number[]} */ ids) {
    forget(of, ids);
    for (;;) {
      const some = ids.slice(of.kept.ids.length, of.kept.ids.length + CHUNK);
      const row = await run(of, some, some.length - 1);
      if (of.kept.ids.length === ids.length) return row(0);
    }
  }

  return { model, next, run, CHUNK };
};
