/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cross-entropy of a sample of class y against p = softmax(z),
 *
 *   L = -Σ q_k log p_k,  q_k = (1 - ε) w_y [k = y] + ε w_k / K
 *
 * with label smoothing ε and class weights w as PyTorch's CrossEntropyLoss has them; with
 * focal exponent (1 - p_y)^γ L; and with a teacher
 *
 *   (1 - share) L + share w_y T² Σ r_k log (r_k / p'_k)
 *
 * where r and p' are the softmaxes of the teacher's logits and of z, both divided by T,
 * over the classes that the teacher knows: those whose logit is not -infinity (Li and
 * Hoiem 2016, equation 2).
 * Of a mixed sample (Zhang et al. 2018) the first line, focal exponent and all, is λ
 * times that of its class and 1 - λ times that of the other, and w likewise.
 */
#include "nn/loss.h"

#include <assert.h>
#include <string.h>

/* p_k = exp((z_k - greatest) * inverse) / sum: no exp overflows. */
typedef struct softmax {
  const float *z;
  float greatest, inverse; /* inverse: 1 / temperature */
  double sum, log_sum;
} softmax;

/* exp((z_k - greatest) * inverse) */
static float rise(const softmax *s, size_t k) {
  return expf((s->z[k] - s->greatest) * s->inverse);
}

/* log of rise / sum */
static double log_share(const softmax *s, size_t k) {
  return ((double)s->z[k] - (double)s->greatest) * (double)s->inverse - s->log_sum;
}

/* Numbers side by side, so that none waits for another. */
enum { LANES = 8, SOME = 8 * LANES };

static float greatest_of(const float *z, size_t count) {
  float part[LANES], greatest = z[0];
  size_t k = 0;
  for (size_t l = 0; l < LANES; l++)
    part[l] = z[0];
  for (; k + LANES <= count; k += LANES)
    for (size_t l = 0; l < LANES; l++)
      part[l] = z[k + l] > part[l] ? z[k + l] : part[l];
  for (; k < count; k++)
    greatest = z[k] > greatest ? z[k] : greatest;
  for (size_t l = 0; l < LANES; l++)
    greatest = part[l] > greatest ? part[l] : greatest;
  return greatest;
}

static double sum_of(const float *term, size_t count) {
  double part[LANES] = {0}, sum = 0;
  size_t k = 0;
  for (; k + LANES <= count; k += LANES)
    for (size_t l = 0; l < LANES; l++)
      part[l] += (double)term[k + l];
  for (; k < count; k++)
    sum += (double)term[k];
  for (size_t l = 0; l < LANES; l++)
    sum += part[l];
  return sum;
}

/* What is summed is left in e where that is not NULL. */
static softmax soften(const float *z, size_t classes, float temperature, float *e) {
  softmax s = {.z = z, .inverse = 1 / temperature};
  float terms[SOME];
  s.greatest = greatest_of(z, classes);
  for (size_t at = 0, count; at < classes; at += count) {
    float *const term = e ? e + at : terms;
    count = classes - at < SOME ? classes - at : SOME;
    for (size_t k = 0; k < count; k++)
      term[k] = rise(&s, at + k);
    s.sum += sum_of(term, count);
  }
  s.log_sum = log(s.sum);
  return s;
}

static double weight_of(const fr_loss_options *o, size_t k) {
  return o->class_weight ? (double)o->class_weight[k] : 1;
}

static bool is_told(const fr__loss_sample *s) {
  return s->label < s->classes && s->other < s->classes;
}

static double weight(const fr_loss_options *options, const fr__loss_sample *s) {
  if (!is_told(s))
    return 0;
  if (s->other == s->label)
    return weight_of(options, s->label);
  return (double)s->share * weight_of(options, s->label) +
         (1 - (double)s->share) * weight_of(options, s->other);
}

/* L; d = p Σ q - q. d holds the terms of the sum before. */
static double entropy(const fr_loss_options *o, const fr__loss_sample *s,
                      const softmax *p, float share) {
  const double spread = (double)o->label_smoothing / (double)s->classes;
  const double sharp = (1 - (double)o->label_smoothing) * weight_of(o, s->label);
  double loss = -sharp * log_share(p, s->label), mass = sharp;
  for (size_t k = 0; k < s->classes && spread > 0; k++) {
    loss -= spread * weight_of(o, k) * log_share(p, k);
    mass += spread * weight_of(o, k);
  }
  if (!s->d)
    return loss;
  const float scale = share * (float)mass / (float)p->sum;
  for (size_t k = 0; k < s->classes; k++)
    s->d[k] *= scale;
  s->d[s->label] -= share * (float)sharp;
  for (size_t k = 0; k < s->classes && spread > 0; k++)
    s->d[k] -= share * (float)(spread * weight_of(o, k));
  return loss;
}

/*
 * Lin et al. 2017, equation 4: u^γ L, u = 1 - p_y; d = u^γ dL - L γ u^(γ-1) p_y ([k = y]
 * - p_k). With u from the other classes' terms, so that it does not vanish before they
 * do, and p_k / u from theirs, the power below 0 cancels.
 */
static double focus(const fr_loss_options *o, const fr__loss_sample *s, const softmax *p,
                    float share, double loss) {
  double others = 0;
  for (size_t k = 0; k < s->classes; k++)
    others += k == s->label ? 0 : (double)rise(p, k);
  const double factor = pow(others / p->sum, (double)o->focal);
  const double pull = (double)share * loss * (double)o->focal * factor *
                      ((double)rise(p, s->label) / p->sum);
  for (size_t k = 0; k < s->classes && s->d; k++) {
    const double part = k == s->label ? -1 : others > 0 ? (double)rise(p, k) / others : 0;
    s->d[k] = (float)(factor * (double)s->d[k] + pull * part);
  }
  return factor * loss;
}

/* What one class y of a mixed sample adds, λ u^γ L: to d_k it is e_k `rise` - [k = y]
 * `fall` - `even` w_k ε / K, e_k the terms of p's sum, by what `entropy` and `focus`
 * have.
 */
typedef struct piece {
  double loss; /* λ u^γ L */
  double rise; /* of every d_k, times e_k */
  double fall; /* of d_y alone */
  double even; /* λ u^γ: of the smoothed part */
} piece;

/* `smooth`: the smoothed part of L, whose weights' sum is `mass`. */
static piece piece_of(const fr_loss_options *o, const softmax *p, size_t classes,
                      uint32_t label, double lambda, double smooth, double mass) {
  const double sharp = (1 - (double)o->label_smoothing) * weight_of(o, label);
  const double loss = smooth - sharp * log_share(p, label);
  double others = 0;
  if (o->focal > 0)
    for (size_t k = 0; k < classes; k++)
      others += k == label ? 0 : (double)rise(p, k);
  const double factor =
      lambda * (o->focal > 0 ? pow(others / p->sum, (double)o->focal) : 1);
  const double own = (double)rise(p, label);
  const double pull = o->focal > 0 ? loss * (double)o->focal * factor * own / p->sum : 0;
  const double spread = others > 0 ? pull / others : 0;
  return (piece){.loss = factor * loss,
                 .rise = factor * (sharp + mass) / p->sum + spread,
                 .fall = factor * sharp + pull + own * spread,
                 .even = factor};
}

/* d holds the terms of the sum before. */
static double mixed(const fr_loss_options *o, const fr__loss_sample *s, const softmax *p,
                    float share) {
  const double spread = (double)o->label_smoothing / (double)s->classes;
  const double lambda = (double)s->share;
  double smooth = 0, mass = 0;
  for (size_t k = 0; k < s->classes && spread > 0; k++) {
    smooth -= spread * weight_of(o, k) * log_share(p, k);
    mass += spread * weight_of(o, k);
  }
  const piece a = piece_of(o, p, s->classes, s->label, lambda, smooth, mass);
  const piece b = piece_of(o, p, s->classes, s->other, 1 - lambda, smooth, mass);
  if (!s->d)
    return a.loss + b.loss;
  const double even = (a.even + b.even) * spread;
  for (size_t k = 0; k < s->classes; k++)
    s->d[k] = share * (float)((double)s->d[k] * (a.rise + b.rise) -
                              (even > 0 ? even * weight_of(o, k) : 0));
  s->d[s->label] -= share * (float)a.fall;
  s->d[s->other] -= share * (float)b.fall;
  return a.loss + b.loss;
}

static bool knows(const fr__loss_sample *s, size_t k) {
  return s->teacher[k] > -INFINITY;
}

/* Of z over the classes that the teacher knows, of which there is one. */
static softmax soften_known(const fr__loss_sample *s, float temperature) {
  softmax p = {.z = s->output, .greatest = -INFINITY, .inverse = 1 / temperature};
  for (size_t k = 0; k < s->classes; k++)
    if (knows(s, k) && s->output[k] > p.greatest)
      p.greatest = s->output[k];
  for (size_t k = 0; k < s->classes; k++)
    p.sum += knows(s, k) ? (double)rise(&p, k) : 0;
  p.log_sum = log(p.sum);
  return p;
}

static bool knows_all(const fr__loss_sample *s) {
  bool all = true;
  for (size_t k = 0; k < s->classes; k++)
    all = all && knows(s, k);
  return all;
}

/* Hinton et al. 2015, section 2: T² keeps the size of the gradient, w T (p' - r). */
static double distill(const fr_loss_options *o, const fr__loss_sample *s, float share,
                      double loss) {
  const float temperature = o->temperature > 0 ? o->temperature : 1;
  const double t = (double)temperature, part = (double)o->distill;
  const double w = part * t * weight(o, s);
  const softmax p = knows_all(s) ? soften(s->output, s->classes, temperature, NULL)
                                 : soften_known(s, temperature);
  const softmax r = soften(s->teacher, s->classes, temperature, NULL);
  double divergence = 0;
  for (size_t k = 0; k < s->classes; k++) {
    const double taught = (double)rise(&r, k) / r.sum;
    const double given = knows(s, k) ? (double)rise(&p, k) / p.sum : 0;
    if (taught > 0)
      divergence += taught * (log_share(&r, k) - log_share(&p, k));
    if (s->d)
      s->d[k] =
          (float)((1 - part) * (double)s->d[k] + (double)share * w * (given - taught));
  }
  return (1 - part) * loss + w * t * divergence;
}

static double compute(const fr_loss_options *options, const fr__loss_sample *s,
                      float share) {
  assert(!s->value);
  if (!is_told(s)) {
    if (s->d)
      memset(s->d, 0, s->classes * sizeof *s->d);
    return 0;
  }
  const softmax p = soften(s->output, s->classes, 1, s->d);
  double loss;
  if (s->other != s->label)
    loss = mixed(options, s, &p, share);
  else
    loss = entropy(options, s, &p, share);
  if (options->focal > 0 && s->other == s->label)
    loss = focus(options, s, &p, share, loss);
  if (options->distill > 0 && s->teacher)
    loss = distill(options, s, share, loss);
  return loss;
}

const fr__loss_ops fr__loss_cross_entropy = {.name = "cross-entropy",
                                             .smooths = true,
                                             .focuses = true,
                                             .weighs = true,
                                             .distills = true,
                                             .weight = weight,
                                             .compute = compute};
