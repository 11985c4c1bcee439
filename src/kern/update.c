/* SPDX-License-Identifier: Apache-2.0 */
/* What optimizers do to each parameter: plain loops, of which the compiler makes vectors,
 * square root included. */
#include "kern/isa.h"

#include <math.h>

void FR__KERN_NAME(adam)(const fr__adam_step *step, const float *restrict gradient,
                         float *restrict value, float *restrict m, float *restrict v,
                         size_t n) {
  const fr__adam_step s = *step;
  for (size_t i = 0; i < n; i++) {
    const float g = gradient[i];
    m[i] = s.beta1 * m[i] + (1.0f - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (1.0f - s.beta2) * g * g;
    value[i] -= s.rate * m[i] / (sqrtf(v[i]) + s.epsilon) + s.decay * value[i];
  }
}

/* Without momentum `velocity` is not touched; the loops differ in nothing else. */
INLINE void sgd(const fr__sgd_step s, bool moves, bool nesterov,
                const float *restrict gradient, float *restrict value,
                float *restrict velocity, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float u = gradient[i];
    if (moves) {
      velocity[i] = s.momentum * velocity[i] + u;
      u = nesterov ? u + s.momentum * velocity[i] : velocity[i];
    }
    value[i] -= s.rate * u + s.decay * value[i];
  }
}

void FR__KERN_NAME(sgd)(const fr__sgd_step *step, const float *restrict gradient,
                        float *restrict value, float *restrict velocity, size_t n) {
  if (step->momentum == 0.0f)
    sgd(*step, false, false, gradient, value, velocity, n);
  else if (step->nesterov)
    sgd(*step, true, true, gradient, value, velocity, n);
  else
    sgd(*step, true, false, gradient, value, velocity, n);
}

INLINE void rmsprop(const fr__rmsprop_step s, bool moves, const float *restrict gradient,
                    float *restrict value, float *restrict v, float *restrict velocity,
                    size_t n) {
  for (size_t i = 0; i < n; i++) {
    const float g = gradient[i];
    v[i] = s.alpha * v[i] + (1.0f - s.alpha) * g * g;
    float u = g / (sqrtf(v[i]) + s.epsilon);
    if (moves)
      velocity[i] = u += s.momentum * velocity[i];
    value[i] -= s.rate * u + s.decay * value[i];
  }
}

void FR__KERN_NAME(rmsprop)(const fr__rmsprop_step *step, const float *restrict gradient,
                            float *restrict value, float *restrict v,
                            float *restrict velocity, size_t n) {
  if (step->momentum == 0.0f)
    rmsprop(*step, false, gradient, value, v, velocity, n);
  else
    rmsprop(*step, true, gradient, value, v, velocity, n);
}
