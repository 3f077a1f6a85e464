// What a worker makes of two models' logits, in double precision; the definitions are those of measure/distance.py.
self.tdsBrowserNumbers = (() => {
  "use strict";

  /** ln p = x - ln Σ e^x of each token: the largest logit is subtracted first. */
  function logProbabilities(/** @type {Float32Array} */ logits) {
    let peak = -Infinity,
      total = 0;
    for (const x of logits) if (x > peak) peak = x;
    for (const x of logits) total += Math.exp(x - peak);
    const scale = Math.log(total);
    return Float64Array.from(logits, (x) => x - peak - scale);
  }

  /** 1 + the number of tokens with a strictly larger logit. */
  function rank(/** @type {Float32Array} */ logits, /** @type {number} */ id) {
    const own = logits[id];
    let larger = 0;
    for (const x of logits) if (x > own) larger++;
    return larger + 1;
  }

  /** The ids of the k largest, largest first; of equal ones the first comes first. */
  function top(/** @type {Float32Array} */ logits, /** @type {number} */ k) {
    const found = /** @type {number[]} */ ([]);
    for (let id = 0; id < logits.length; id++) {
      let place = found.length;
      if (place === k && logits[id] <= logits[found[k - 1]]) continue;
      while (place > 0 && logits[id] > logits[found[place - 1]]) place--;
      found.splice(place, 0, id);
      if (found.length > k) found.pop();
    }
    return found;
  }

  function entropy(/** @type {Float64Array} */ logp) {
    let sum = 0;
    for (const x of logp) if (x > -Infinity) sum -= Math.exp(x) * x;
    return sum;
  }

  /** A term of KL(p‖q) = Σ p (e^-d - 1 + d) with d = ln p - ln q, which is never negative. */
  function term(p, q, d) {
    if (p === 0) return q;
    return Math.abs(d) < 0.5 ? p * (Math.expm1(-d) + d) : q - p + p * d;
  }

  /** KL(p‖q), KL(q‖p) and JS, in nats. */
  function apart(/** @type {Float64Array} */ x, /** @type {Float64Array} */ y) {
    let kl = 0,
      klBack = 0,
      js = 0;
    for (let i = 0; i < x.length; i++) {
      const p = Math.exp(x[i]),
        q = Math.exp(y[i]),
        d = x[i] - y[i];
      kl += term(p, q, d);
      klBack += term(q, p, -d);
      const mean = (p + q) / 2;
      if (p > 0) js += p * Math.log(p / mean);
      if (q > 0) js += q * Math.log(q / mean);
    }
    return { kl, klBack, js: Math.max(0, js / 2) };
  }

  return { logProbabilities, rank, top, entropy, apart };
})();
