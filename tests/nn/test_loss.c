/* SPDX-License-Identifier: Apache-2.0 */
/* Losses and their gradients against PyTorch (tests/golden/loss_optimizer.py),
 * differences and values worked out by hand. */
#include <float.h>
#include <math.h>

#include "../golden/loss_optimizer.h"
#include "made.h"

enum { B = 4, K = 3 };

/* The script's numbers. */
static const uint32_t labels[B] = {1, 0, 2, 2};
static const uint32_t labels_unknown[B] = {1, FR_NONE, 2, 2};
static const float weights[K] = {0.5f, 2, 1.25f};
static const float positives[K] = {3, 0.25f, 40};
static const float values[B * K] = {1, 0, NAN, 0, 0, 1, NAN, NAN, NAN, 1, 1, 0};

/* The third is not mixed, and the second with its like. */
static const uint32_t others[B] = {2, 0, 1, 0};
static const float shares[B] = {0.25f, 0.5f, 1, 0.875f};

static void sines(int key, float factor, float *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] = factor * (float)(0.8 * sin(1.7 * (double)i + 0.9 * key));
}

typedef struct golden {
  const char *name;
  const double *wanted; /* the loss and its gradient */
  fr_loss_options options;
  fr_targets targets;
} golden;

#define ENTROPY .kind = FR_LOSS_CROSS_ENTROPY
#define SMOOTH .label_smoothing = 0.1f
#define WEIGHTED .class_weight = weights
#define LIFTED .positive_weight = positives
#define DISTILLED .distill = 0.75f, .temperature = 2.5f
#define ROW(what, targets, ...)                                                          \
  { #what, golden_loss_##what, {__VA_ARGS__ }, targets }
#define BY_LABEL                                                                         \
  { .label = labels }
#define BY_VALUE                                                                         \
  { .value = values }
#define TAUGHT                                                                           \
  { .label = labels, .teacher = teacher }

#define MIXED                                                                            \
  { .label = labels, .other = others, .share = shares }
#define MIXED_TAUGHT                                                                     \
  { .label = labels, .other = others, .share = shares, .teacher = teacher }

static void losses_agree_with_pytorch(void **state) {
  (void)state;
  float z[B * K], teacher[B * K], d[B * K];
  sines(7, 3, z, B * K);
  sines(8, 3, teacher, B * K);
  const golden rows[] = {
      ROW(entropy, BY_LABEL, ENTROPY),
      ROW(entropy_unknown, {.label = labels_unknown}, ENTROPY),
      ROW(entropy_smooth, BY_LABEL, ENTROPY, SMOOTH),
      ROW(entropy_weighted, BY_LABEL, ENTROPY, WEIGHTED),
      ROW(entropy_smooth_weighted, BY_LABEL, ENTROPY, SMOOTH, WEIGHTED),
      ROW(entropy_focal, BY_LABEL, ENTROPY, .focal = 1.5f),
      ROW(entropy_focal_all, BY_LABEL, ENTROPY, SMOOTH, WEIGHTED, .focal = 1.5f),
      ROW(entropy_distilled, TAUGHT, ENTROPY, DISTILLED),
      ROW(entropy_distilled_all, TAUGHT, ENTROPY, DISTILLED, SMOOTH, WEIGHTED),
      ROW(binary, BY_VALUE, .kind = FR_LOSS_BINARY),
      ROW(binary_weighted, BY_VALUE, .kind = FR_LOSS_BINARY, WEIGHTED),
      ROW(binary_focal, BY_VALUE, .kind = FR_LOSS_BINARY, .focal = 1.5f),
      ROW(binary_focal_weighted, BY_VALUE, .kind = FR_LOSS_BINARY, WEIGHTED, .focal = 2),
      ROW(binary_positive, BY_VALUE, .kind = FR_LOSS_BINARY, LIFTED),
      ROW(binary_positive_all, BY_VALUE, .kind = FR_LOSS_BINARY, WEIGHTED, LIFTED,
          .focal = 1.5f),
      ROW(squared_label, BY_LABEL, .kind = FR_LOSS_SQUARED),
      ROW(squared_value, BY_VALUE, .kind = FR_LOSS_SQUARED),
      ROW(mixed, MIXED, ENTROPY),
      ROW(mixed_smooth_weighted, MIXED, ENTROPY, SMOOTH, WEIGHTED),
      ROW(mixed_focal_all, MIXED, ENTROPY, SMOOTH, WEIGHTED, .focal = 1.5f),
      ROW(mixed_distilled_all, MIXED_TAUGHT, ENTROPY, DISTILLED, SMOOTH, WEIGHTED,
          .focal = 1.5f),
      ROW(mixed_binary, MIXED, .kind = FR_LOSS_BINARY, WEIGHTED),
      ROW(mixed_squared, MIXED, .kind = FR_LOSS_SQUARED),
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const golden *r = &rows[i];
    ASSERT_OK(fr_loss_check(&r->options, K, err));
    assert_near(fr_loss_compute(&r->options, z, &r->targets, B, K, d), r->wanted[0], 1e-6,
                r->name);
    for (size_t k = 0; k < B * K; k++)
      assert_near((double)d[k], r->wanted[1 + k], 5e-7, r->name);
    assert_near(fr_loss_compute(&r->options, z, &r->targets, B, K, NULL), r->wanted[0],
                1e-6, "without gradient");
  }
}

/* Without a teacher's logits the loss is the plain one. */
static void validation_needs_no_teacher(void **state) {
  (void)state;
  float z[B * K], d[B * K];
  sines(7, 3, z, B * K);
  const fr_loss_options options = {ENTROPY, DISTILLED};
  const fr_targets targets = BY_LABEL;
  assert_near(fr_loss_compute(&options, z, &targets, B, K, d), golden_loss_entropy[0],
              1e-6, "loss");
  assert_near((double)d[4], golden_loss_entropy[5], 5e-7, "gradient");
}

/* The third class is new to the teacher. What it says of the others is then the loss of a
 * network that has those alone, and no gradient of the new one comes of it. */
static void a_teacher_is_not_asked_what_it_does_not_know(void **state) {
  (void)state;
  float z[B * K], teacher[B * K], few[B * 2], told[B * 2], d[B * K], small[B * 2];
  float plain[B * K], small_plain[B * 2];
  static const uint32_t known[B] = {1, 0, 1, 1};
  sines(7, 3, z, B * K);
  sines(8, 3, teacher, B * K);
  for (size_t b = 0; b < B; b++) {
    teacher[b * K + 2] = -INFINITY;
    for (size_t k = 0; k < 2; k++) {
      few[b * 2 + k] = z[b * K + k];
      told[b * 2 + k] = teacher[b * K + k];
    }
  }
  const fr_loss_options options = {ENTROPY, DISTILLED}, without = {ENTROPY};
  const fr_targets targets = {.label = known, .teacher = teacher};
  const fr_targets smaller = {.label = known, .teacher = told};
  const double loss = fr_loss_compute(&options, z, &targets, B, K, d);
  const double hard = fr_loss_compute(&without, z, &targets, B, K, plain);
  const double least = fr_loss_compute(&options, few, &smaller, B, 2, small);
  const double most = fr_loss_compute(&without, few, &smaller, B, 2, small_plain);
  assert_near(loss - 0.25 * hard, least - 0.25 * most, 1e-6, "the teacher's part");
  for (size_t b = 0; b < B; b++) {
    assert_near((double)d[b * K + 2], 0.25 * (double)plain[b * K + 2], 1e-7, "the new");
    for (size_t k = 0; k < 2; k++)
      assert_near((double)d[b * K + k] - 0.25 * (double)plain[b * K + k],
                  (double)small[b * 2 + k] - 0.25 * (double)small_plain[b * 2 + k], 1e-7,
                  "an old one");
  }
}

/* The mean over all is that of two parts by their weights, gradients too. */
static void weights_join_batches(void **state) {
  (void)state;
  float z[B * K], teacher[B * K], whole[B * K], part[B * K];
  sines(7, 3, z, B * K);
  sines(8, 3, teacher, B * K);
  const struct {
    fr_loss_options options;
    fr_targets targets;
  } rows[] = {
      {{ENTROPY, SMOOTH, WEIGHTED, DISTILLED, .focal = 1}, TAUGHT},
      {{ENTROPY}, {.label = labels_unknown}},
      {{.kind = FR_LOSS_BINARY, WEIGHTED}, BY_VALUE},
      {{.kind = FR_LOSS_BINARY, LIFTED}, BY_VALUE},
      {{.kind = FR_LOSS_BINARY}, {.label = labels_unknown}},
      {{.kind = FR_LOSS_SQUARED}, BY_VALUE},
      {{ENTROPY, SMOOTH, WEIGHTED, DISTILLED, .focal = 1}, MIXED_TAUGHT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const fr_loss_options *o = &rows[i].options;
    const fr_targets *t = &rows[i].targets;
    const double mean = fr_loss_compute(o, z, t, B, K, whole);
    const double weight = fr_loss_weight(o, t, B, K);
    double sum = 0;
    for (size_t b = 0; b < B; b++) {
      const fr_targets one = {.label = t->label ? t->label + b : NULL,
                              .value = t->value ? t->value + b * K : NULL,
                              .other = t->other ? t->other + b : NULL,
                              .share = t->share ? t->share + b : NULL,
                              .teacher = t->teacher ? t->teacher + b * K : NULL};
      const double share = fr_loss_weight(o, &one, 1, K) / weight;
      sum += share * fr_loss_compute(o, z + b * K, &one, 1, K, part);
      for (size_t k = 0; k < K; k++)
        assert_near(share * (double)part[k], (double)whole[b * K + k], 1e-7, "gradient");
    }
    assert_near(sum, mean, 1e-9, "mean");
  }
}

/* The gradient of a mixed loss with all that there is against central differences. */
static void mixed_gradients_are_differences(void **state) {
  (void)state;
  float z[B * K], teacher[B * K], d[B * K];
  sines(7, 3, z, B * K);
  sines(8, 3, teacher, B * K);
  const fr_loss_options options = {ENTROPY, SMOOTH, WEIGHTED, DISTILLED, .focal = 2.5f};
  const fr_targets targets = MIXED_TAUGHT;
  fr_loss_compute(&options, z, &targets, B, K, d);
  for (size_t i = 0; i < B * K; i++) {
    const float kept = z[i], h = 1.0f / 64;
    z[i] = kept + h;
    const double above = fr_loss_compute(&options, z, &targets, B, K, NULL);
    z[i] = kept - h;
    const double below = fr_loss_compute(&options, z, &targets, B, K, NULL);
    z[i] = kept;
    assert_near((double)d[i], (above - below) / (2 * (double)h), 1e-4, "difference");
  }
}

/* Logits 0, log 2, log 5 have probabilities 1/8, 2/8, 5/8. */
static void cross_entropy_is_minus_log_probability(void **state) {
  (void)state;
  const float z[] = {0, 0.69314718f, 1.6094379f, 0, 0.69314718f, 1.6094379f};
  const uint32_t label[] = {1, 2};
  float d[6];
  const double loss = made_loss(FR_LOSS_CROSS_ENTROPY, z, label, 2, 3, d);
  assert_near(loss, (log(4) + log(1.6)) / 2, 1e-6, "loss");
  const double wanted[] = {0.125, 0.25 - 1, 0.625, 0.125, 0.25, 0.625 - 1};
  for (size_t i = 0; i < 6; i++)
    assert_near((double)d[i], wanted[i] / 2, 1e-6, "gradient");
  assert_near(made_loss(FR_LOSS_CROSS_ENTROPY, z, label, 2, 3, NULL), loss, 0,
              "without gradient");
}

static void cross_entropy_bears_any_logit(void **state) {
  (void)state;
  const float z[] = {1000, -1000, 999};
  const uint32_t label = 1;
  float d[3];
  const double loss = made_loss(FR_LOSS_CROSS_ENTROPY, z, &label, 1, 3, d);
  assert_near(loss, 2000 + log(1 + exp(-1)), 1e-3, "loss");
  assert_near((double)d[0], 1 / (1 + exp(-1)), 1e-6, "gradient");
  assert_near((double)d[1], -1, 1e-6, "gradient");
  const uint32_t none = 0;
  assert_near(made_loss(FR_LOSS_CROSS_ENTROPY, z, &none, 1, 1, d), 0, 0, "one class");
}

static void squared_error_is_half_the_sum(void **state) {
  (void)state;
  const float y[] = {0.5f, 0.25f, 1, 0};
  const uint32_t label[] = {0, 1};
  float d[4];
  /* (0.25 + 0.0625) / 2 and (1 + 1) / 2, their mean */
  assert_near(made_loss(FR_LOSS_SQUARED, y, label, 2, 2, d), 0.578125, 1e-9, "loss");
  const double wanted[] = {-0.25, 0.125, 0.5, -0.5};
  for (size_t i = 0; i < 4; i++)
    assert_near((double)d[i], wanted[i], 1e-9, "gradient");
}

/* Labels stand for values, one-hot, in the binary loss. */
static void binary_takes_labels(void **state) {
  (void)state;
  const float z[] = {1, -2, 0.5f, 3, 1, 1};
  const uint32_t label[] = {2, FR_NONE};
  const float value[] = {0, 0, 1, NAN, NAN, NAN};
  const fr_loss_options options = {.kind = FR_LOSS_BINARY};
  const fr_targets by_label = {.label = label}, by_value = {.value = value};
  float d[6], wanted[6];
  assert_true(fr_loss_compute(&options, z, &by_label, 2, 3, d) ==
              fr_loss_compute(&options, z, &by_value, 2, 3, wanted));
  assert_memory_equal(d, wanted, sizeof d);
}

/* log (1 + e^z) is z for a great z, and e^z for a small one. */
static void extreme_outputs_stay_finite(void **state) {
  (void)state;
  const float z[] = {1e4f, -1e4f, FLT_MAX, -FLT_MAX, 90, -90};
  const float value[] = {0, 1, 1, 0, 1, 0};
  const fr_targets by_value = {.value = value};
  for (int focal = 0; focal < 3; focal++) {
    const fr_loss_options options = {.kind = FR_LOSS_BINARY,
                                     .focal = (float)focal * 0.25f};
    float d[6];
    const double loss = fr_loss_compute(&options, z, &by_value, 1, 6, d);
    assert_near(loss, 2e4 / 6, 1e-6, "binary");
    assert_near((double)d[0], 1.0 / 6, 1e-7, "slope of a wrong yes");
    assert_near((double)d[1], -1.0 / 6, 1e-7, "slope of a wrong no");
    for (size_t k = 2; k < 6; k++)
      assert_near((double)d[k], 0, 1e-12, "slope of what is right");
  }
  for (uint32_t label = 0; label < 2; label++) {
    const float far[] = {300, -300};
    float d[2];
    const fr_loss_options options = {ENTROPY, .focal = 0.5f};
    const fr_targets targets = {.label = &label};
    assert_near(fr_loss_compute(&options, far, &targets, 1, 2, d), label * 600.0, 1e-9,
                "focal");
    assert_near((double)d[0], label, 1e-7, "slope");
  }
}

static void what_is_not_finite_shows(void **state) {
  (void)state;
  for (int kind = FR_LOSS_CROSS_ENTROPY; kind <= FR_LOSS_BINARY; kind++)
    for (size_t at = 0; at < 2; at++) {
      float z[] = {1, 2};
      const uint32_t label = 0;
      z[at] = NAN;
      assert_true(isnan(made_loss((enum fr_loss)kind, z, &label, 1, 2, NULL)));
    }
}

static void nothing_told_is_no_loss(void **state) {
  (void)state;
  const float z[] = {1, 2}, value[] = {NAN, NAN};
  const uint32_t label = 2;
  const fr_targets by_label = {.label = &label}, by_value = {.value = value};
  for (int kind = FR_LOSS_CROSS_ENTROPY; kind <= FR_LOSS_BINARY; kind++) {
    const fr_loss_options options = {.kind = (enum fr_loss)kind};
    for (int by = 0; by < (kind == FR_LOSS_CROSS_ENTROPY ? 1 : 2); by++) {
      float d[] = {7, 7};
      const fr_targets *targets = by == 0 ? &by_label : &by_value;
      assert_true(fr_loss_compute(&options, z, targets, 1, 2, d) == 0);
      assert_true(d[0] == 0.0f && d[1] == 0.0f);
      assert_true(fr_loss_weight(&options, targets, 1, 2) == 0);
    }
  }
}

static void options_are_checked(void **state) {
  (void)state;
  static const float none[] = {0, 0, 0}, negative[] = {1, -1, 1};
  const struct {
    fr_loss_options options;
    const char *sentence;
  } rows[] = {
      {{ENTROPY, .label_smoothing = 1}, "label smoothing 1 is not between 0 and 0.9999"},
      {{ENTROPY, .focal = -1}, "focal exponent -1 is not between 0 and 100"},
      {{ENTROPY, .distill = NAN}, "share of a teacher nan is not between 0 and 1"},
      {{.kind = FR_LOSS_BINARY, SMOOTH}, "the binary loss has no label smoothing"},
      {{.kind = FR_LOSS_BINARY, DISTILLED}, "the binary loss has no share of a teacher"},
      {{.kind = FR_LOSS_SQUARED, .focal = 2}, "the squared loss has no focal exponent"},
      {{.kind = FR_LOSS_SQUARED, WEIGHTED}, "the squared loss has no class weights"},
      {{ENTROPY, .class_weight = none}, "all class weights are 0"},
      {{ENTROPY, .class_weight = negative}, "-1 is not a class weight for class 2"},
      {{ENTROPY, LIFTED}, "the cross-entropy loss has no positive weights"},
      {{.kind = FR_LOSS_BINARY, .positive_weight = negative},
       "-1 is not a positive weight for class 2"},
      {{.kind = FR_LOSS_BINARY, .positive_weight = none}, "all positive weights are 0"},
      {{.kind = (enum fr_loss)9}, "there is no loss 9"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_error err = {0};
    assert_int_equal(fr_loss_check(&rows[i].options, K, &err), FR_ERR_ARGUMENT);
    assert_string_equal(err.text, rows[i].sentence);
  }
}

/* scikit-learn 1.9: compute_class_weight("balanced", classes=[0, 1, 3], y=[0, 0, 0, 1, 3,
 * 3]) is [0.66666667, 2, 1]. */
static void balanced_weights_are_scikit_learns(void **state) {
  (void)state;
  const uint32_t label[] = {0, 3, 0, FR_NONE, 1, 3, 0};
  float weight[4];
  ASSERT_OK(fr_loss_balanced_weights(label, 7, 4, weight, err));
  const double wanted[] = {2.0 / 3, 2, 0, 1};
  for (size_t k = 0; k < 4; k++)
    assert_near((double)weight[k], wanted[k], 1e-6, "weight");
  fr_error err = {0};
  assert_int_equal(fr_loss_balanced_weights(label + 3, 1, 4, weight, &err),
                   FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "no sample has a class to be weighed");
}

/* Noes over yeses by hand: 3/1; 1/2; a yes in 151 held to 100; no yes; nothing told. */
static void balanced_positives_are_noes_over_yeses(void **state) {
  (void)state;
  enum { ROWS = 151, OUTPUTS = 5 };
  static float value[ROWS * OUTPUTS];
  for (size_t i = 0; i < ROWS; i++) {
    float *v = value + i * OUTPUTS;
    v[0] = i >= 4 ? NAN : i == 2;
    v[1] = i >= 3 ? NAN : i > 0;
    v[2] = i == 150;
    v[3] = 0;
    v[4] = NAN;
  }
  float weight[OUTPUTS];
  ASSERT_OK(fr_loss_balanced_positives(value, ROWS, OUTPUTS, weight, err));
  const double wanted[OUTPUTS] = {3, 0.5, 100, 1, 1};
  for (size_t k = 0; k < OUTPUTS; k++)
    assert_near((double)weight[k], wanted[k], 1e-9, "weight");
  fr_error err = {0};
  assert_int_equal(fr_loss_balanced_positives(value + 4, 1, 1, weight, &err),
                   FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "no sample has an answer to be weighed");
}

static void losses_have_names(void **state) {
  (void)state;
  for (int kind = FR_LOSS_CROSS_ENTROPY; kind <= FR_LOSS_BINARY; kind++) {
    enum fr_loss loss = FR_LOSS_CROSS_ENTROPY;
    assert_true(fr_loss_parse(fr_loss_name((enum fr_loss)kind), &loss));
    assert_int_equal(loss, kind);
  }
  enum fr_loss loss = FR_LOSS_SQUARED;
  assert_true(fr_loss_parse("cross_entropy", &loss) && loss == FR_LOSS_CROSS_ENTROPY);
  assert_false(fr_loss_parse("hinge", &loss));
  assert_false(fr_loss_parse("", &loss));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(losses_agree_with_pytorch),
      cmocka_unit_test(mixed_gradients_are_differences),
      cmocka_unit_test(validation_needs_no_teacher),
      cmocka_unit_test(a_teacher_is_not_asked_what_it_does_not_know),
      cmocka_unit_test(weights_join_batches),
      cmocka_unit_test(cross_entropy_is_minus_log_probability),
      cmocka_unit_test(cross_entropy_bears_any_logit),
      cmocka_unit_test(squared_error_is_half_the_sum),
      cmocka_unit_test(binary_takes_labels),
      cmocka_unit_test(extreme_outputs_stay_finite),
      cmocka_unit_test(what_is_not_finite_shows),
      cmocka_unit_test(nothing_told_is_no_loss),
      cmocka_unit_test(options_are_checked),
      cmocka_unit_test(balanced_weights_are_scikit_learns),
      cmocka_unit_test(balanced_positives_are_noes_over_yeses),
      cmocka_unit_test(losses_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
