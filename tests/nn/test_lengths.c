/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of different lengths in one batch: what each layer gives and learns is what it
 * would give and learn from each sample alone. */
#include <math.h>

#include "made.h"
#include "nn/net.h"

#define STEPS 11
#define CHANNELS 4
#define CLASSES 3
#define BATCH 5

typedef struct family_case {
  const char *family;
  const char *layers;
  size_t least;    /* steps that a sample needs */
  bool statistics; /* in training a sample depends on the others */
} family_case;

static const family_case cases[] = {
    {"dense", "dense(5)", 1, false},
    {"conv1d", "conv1d(5,3)", 3, false},
    {"conv1d", "conv1d(5,4,2)", 4, false},
    {"conv1d", "conv1d(5,3,pad=same)", 1, false},
    {"conv1d", "conv1d(5,4,pad=same)", 1, false},
    {"conv1d", "conv1d(5,3,2,pad=causal)", 1, false},
    {"conv1d", "conv1d(4,3,dilation=2)", 5, false},
    {"conv1d", "conv1d(6,2,dilation=3,groups=2,pad=same)", 1, false},
    {"conv1d", "conv1d(8,3,3,dilation=2,groups=4,pad=causal)", 1, false},
    {"lstm", "lstm(5)", 1, false},
    {"lstm", "lstm(5,all)", 1, false},
    {"lstm", "lstm(3,last,both)", 1, false},
    {"lstm", "lstm(3,all,both)", 1, false},
    {"gru", "gru(5)", 1, false},
    {"gru", "gru(5,all)", 1, false},
    {"gru", "gru(3,last,both)", 1, false},
    {"gru", "gru(3,all,both)", 1, false},
    {"attention", "attention(1)", 1, false},
    {"attention", "attention(2)", 1, false},
    {"maxpool", "maxpool(2)", 2, false},
    {"maxpool", "maxpool(all)", 1, false},
    {"avgpool", "avgpool(3)", 3, false},
    {"avgpool", "avgpool(all)", 1, false},
    {"bn", "bn", 1, true},
    {"layernorm", "layernorm", 1, false},
    {"dropout", "dropout(0)", 1, false},
    {"spatialdropout", "spatialdropout(0)", 1, false},
    {"relu", "relu", 1, false},
    {"leaky", "leaky(0.2)", 1, false},
    {"gelu", "gelu", 1, false},
    {"hardswish", "hardswish", 1, false},
    {"sigmoid", "sigmoid", 1, false},
    {"tanh", "tanh", 1, false},
    {"softmax", "softmax", 1, false},
    {"flatten", "flatten", 1, false},
    {"residual", "residual(conv1d(4,3) tanh)", 1, false},
    {"residual", "residual(conv1d(7,3,pad=causal))", 1, false},
    {"residual", "residual(lstm(3) sigmoid) avgpool(all)", 1, false},
    {"residual", "residual(residual(bn tanh) conv1d(3,2))", 1, true},
    {"parallel", "parallel(conv1d(3,3) sigmoid | | lstm(2,all))", 1, false},
    {"parallel", "parallel(avgpool(all) | lstm(3,last) | maxpool(all))", 1, false},
    {"parallel", "residual(parallel( | conv1d(2,3) layernorm)) maxpool(2)", 2, false},
};

#define CASES (sizeof cases / sizeof cases[0])

/* ---- the batch, and each sample alone ---- */

static const fr_shape whole = {STEPS, CHANNELS};

typedef struct bench {
  const family_case *of;
  char arch[256];
  fr_net *net;
  uint32_t length[BATCH];
  float x[BATCH * STEPS * CHANNELS]; /* zeros behind each sample's end */
  float dy[BATCH * CLASSES];
} bench;

/* Weights and biases alike away from 0, so that a tail that is not cleared would show. */
static void shake(const fr_net *net, fr__rng *rng) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].rank == 1)
      made_numbers(rng, 0.3, 1.3, tensor[i].value, tensor[i].count);
}

static void begin(bench *b, const family_case *of, bool train, uint64_t seed) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 0);
  *b = (bench){.of = of};
  snprintf(b->arch, sizeof b->arch, "conv1d(4,1) %s dense(classes)", of->layers);
  ASSERT_OK(fr_net_new(b->arch, whole, CLASSES, &b->net, err));
  fr_net_init(b->net, seed, 0);
  shake(b->net, &rng);
  ASSERT_OK(fr_net_reserve(b->net, BATCH, train, 0, err));
  for (size_t s = 0; s < BATCH; s++) {
    b->length[s] = (uint32_t)(of->least + fr__rng_below(&rng, STEPS - of->least + 1));
    made_numbers(&rng, -2, 2, b->x + s * STEPS * CHANNELS, b->length[s] * CHANNELS);
  }
  b->length[1] = STEPS; /* one that fills the batch, one as short as may be */
  b->length[3] = (uint32_t)of->least;
  memset(b->x + (3 * STEPS + of->least) * CHANNELS, 0,
         (STEPS - of->least) * CHANNELS * sizeof(float));
  made_numbers(&rng, -1, 1, b->dy, BATCH * CLASSES);
  fr_net_set_lengths(b->net, b->length);
}

/* A network of the same weights for one sample of `steps`. A product with the flattened
 * sequence has rows for the steps that there are: the first ones of the whole. */
static fr_net *alone(const bench *b, size_t steps, bool train) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(b->arch, (fr_shape){steps, CHANNELS}, CLASSES, &net, err));
  ASSERT_OK(fr_net_reserve(net, 1, train, 0, err));
  size_t count = 0, other = 0;
  const fr_tensor *to = fr_net_tensors(net, &count);
  const fr_tensor *from = fr_net_tensors(b->net, &other);
  assert_int_equal(count, other);
  for (size_t i = 0; i < count; i++) {
    assert_true(to[i].count <= from[i].count);
    memcpy(to[i].value, from[i].value, to[i].count * sizeof(float));
  }
  return net;
}

static void near(const float *got, const float *wanted, size_t n, const char *what,
                 const char *arch) {
  for (size_t i = 0; i < n; i++) {
    char text[400];
    snprintf(text, sizeof text, "%s %zu of '%s'", what, i, arch);
    assert_near((double)got[i], (double)wanted[i],
                2e-5 * fmax(1, fabs((double)wanted[i])), text);
  }
}

static void outputs_agree(const family_case *of, bool train) {
  bench b;
  begin(&b, of, train, 3);
  const size_t layers = fr_net_layer_count(b.net);
  const float *y = fr_net_forward(b.net, b.x, BATCH, 0, layers, train);
  for (size_t s = 0; s < BATCH; s++) {
    fr_net *net = alone(&b, b.length[s], train);
    near(y + s * CLASSES,
         fr_net_forward(net, b.x + s * STEPS * CHANNELS, 1, 0, layers, train), CLASSES,
         "output", b.arch);
    fr_net_free(net);
  }
  fr_net_free(b.net);
}

/* Backward with the gradient of the input, which fr_net_backward leaves out. */
static void backward(fr_net *net, const uint32_t *length, size_t batch, const float *dy,
                     float *dx) {
  const fr__pass pass = {.kern = &net->kern,
                         .rng = &net->rng,
                         .batch = batch,
                         .train = true,
                         .length = length};
  fr__chain_backward(&net->chain, &pass, dy, dx);
}

/* Sums of the samples' gradients, tensor by tensor, as long as the whole's. */
static float **make_sums(const bench *b) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(b->net, &count);
  float **sum = calloc(count, sizeof *sum);
  for (size_t i = 0; i < count; i++)
    sum[i] = calloc(tensor[i].count, sizeof **sum);
  return sum;
}

static void add_gradients(float **sum, const fr_net *net) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < tensor[i].count && tensor[i].gradient; j++)
      sum[i][j] += tensor[i].gradient[j];
}

static void check_and_free_sums(const bench *b, float **sum) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(b->net, &count);
  for (size_t i = 0; i < count; i++) {
    if (tensor[i].gradient)
      near(tensor[i].gradient, sum[i], tensor[i].count, tensor[i].name, b->arch);
    free(sum[i]);
  }
  free(sum);
}

static void gradients_agree(const family_case *of) {
  bench b;
  begin(&b, of, true, 4);
  const size_t layers = fr_net_layer_count(b.net);
  const size_t sample = STEPS * CHANNELS;
  float dx[BATCH * STEPS * CHANNELS], own[STEPS * CHANNELS];
  fr_net_forward(b.net, b.x, BATCH, 0, layers, true);
  backward(b.net, b.length, BATCH, b.dy, dx);
  float **sum = make_sums(&b);
  for (size_t s = 0; s < BATCH; s++) {
    fr_net *net = alone(&b, b.length[s], true);
    memset(own, 0, sizeof own); /* and so behind the end */
    fr_net_forward(net, b.x + s * sample, 1, 0, layers, true);
    backward(net, NULL, 1, b.dy + s * CLASSES, own);
    near(dx + s * sample, own, sample, "gradient of input", b.arch);
    add_gradients(sum, net);
    fr_net_free(net);
  }
  check_and_free_sums(&b, sum);
  fr_net_free(b.net);
}

/* Behind each layer, numbers are zero from the sample's end on. */
static void tails_are_zero(const family_case *of, bool train) {
  bench b;
  begin(&b, of, train, 5);
  for (size_t to = 1; to <= fr_net_layer_count(b.net); to++) {
    const fr_shape out = fr_net_layer_shape(b.net, to - 1);
    const float *y = fr_net_forward(b.net, b.x, BATCH, 0, to, train);
    for (size_t s = 0; s < BATCH; s++) {
      const size_t length = fr__chain_length(&b.net->chain, to, b.length[s]);
      assert_true(length >= 1 && length <= out.steps);
      for (size_t i = length * out.channels; i < out.steps * out.channels; i++)
        assert_true(y[s * out.steps * out.channels + i] == 0.0f);
    }
  }
  fr_net_free(b.net);
}

static void a_batch_is_its_samples(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    outputs_agree(&cases[i], false);
    tails_are_zero(&cases[i], false);
    tails_are_zero(&cases[i], true);
    if (cases[i].statistics)
      continue;
    outputs_agree(&cases[i], true);
    gradients_agree(&cases[i]);
  }
}

static void no_family_is_left_out(void **state) {
  (void)state;
  char names[1024];
  fr__layer_names(names, sizeof names);
  for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", ")) {
    bool found = false;
    for (size_t i = 0; i < CASES; i++)
      found = found || strcmp(cases[i].family, name) == 0;
    if (!found)
      fail_msg("no case of family %s", name);
  }
}

/* ---- what the batch's statistics are ---- */

/* The steps of all samples, one after another, as samples of one step each. */
static size_t gather(const bench *b, const float *x, float *rows) {
  size_t count = 0;
  for (size_t s = 0; s < BATCH; s++) {
    memcpy(rows + count * CHANNELS, x + s * STEPS * CHANNELS,
           b->length[s] * CHANNELS * sizeof(float));
    count += b->length[s];
  }
  return count;
}

/* bn's training over padded samples is its training over a batch of their steps. */
static void bn_counts_only_valid_steps(void **state) {
  (void)state;
  const family_case of = {"bn", "bn", 1, true};
  float rows[BATCH * STEPS * CHANNELS], dy[BATCH * STEPS * CHANNELS];
  float d_rows[BATCH * STEPS * CHANNELS], dx[BATCH * STEPS * CHANNELS];
  bench b;
  begin(&b, &of, true, 6);
  fr_net *padded = made_net("bn flatten", whole, STEPS * CHANNELS, BATCH, 0);
  const size_t count = gather(&b, b.x, rows);
  fr_net *dense = made_net("bn", (fr_shape){1, CHANNELS}, CHANNELS, count, 0);
  fr_net_set_lengths(padded, b.length);
  float y[BATCH * STEPS * CHANNELS];
  gather(&b, fr_net_forward(padded, b.x, BATCH, 0, 2, true), y);
  near(y, fr_net_forward(dense, rows, count, 0, 1, true), count * CHANNELS, "output",
       "bn");
  for (size_t i = 0; i < BATCH * STEPS * CHANNELS; i++)
    dy[i] = b.x[i] * b.x[i] - 0.5f * (float)(b.x[i] != 0);
  gather(&b, dy, d_rows);
  backward(padded, b.length, BATCH, dy, dx);
  gather(&b, dx, y);
  backward(dense, NULL, count, d_rows, dx);
  near(y, dx, count * CHANNELS, "gradient of input", "bn");
  static const char *const names[] = {"0.weight", "0.bias", "0.running_mean",
                                      "0.running_variance"};
  for (size_t i = 0; i < 4; i++) {
    const fr_tensor *got = made_tensor(padded, names[i]);
    const fr_tensor *wanted = made_tensor(dense, names[i]);
    near(i < 2 ? got->gradient : got->value, i < 2 ? wanted->gradient : wanted->value,
         CHANNELS, names[i], "bn");
  }
  fr_net_free(padded);
  fr_net_free(dense);
  fr_net_free(b.net);
}

/* ---- ends ---- */

/* A sample too short for a layer: zeros behind it, and every number finite. */
static void too_short_a_sample_gives_zeros(void **state) {
  (void)state;
  static const char *const texts[] = {
      "conv1d(4,5) maxpool(all)",      "conv1d(4,5) avgpool(all)",
      "conv1d(4,5) bn lstm(3)",        "conv1d(4,5) lstm(3,all,both) avgpool(all)",
      "conv1d(4,5) gru(3,last,both)",  "conv1d(4,5) attention(2) maxpool(all)",
      "conv1d(4,5) layernorm softmax", "maxpool(4) residual(conv1d(4,3)) avgpool(all)",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    const family_case of = {"", texts[i], 2, true};
    bench b;
    begin(&b, &of, true, 7);
    float dx[BATCH * STEPS * CHANNELS];
    const size_t layers = fr_net_layer_count(b.net);
    const float *y = fr_net_forward(b.net, b.x, BATCH, 0, layers, true);
    for (size_t j = 0; j < BATCH * CLASSES; j++)
      assert_true(isfinite(y[j]));
    backward(b.net, b.length, BATCH, b.dy, dx);
    for (size_t j = 0; j < BATCH * STEPS * CHANNELS; j++)
      assert_true(isfinite(dx[j]));
    assert_true(fr_net_gradients_finite(b.net));
    for (size_t j = 0; j < STEPS * CHANNELS; j++) /* sample 3 has 2 steps */
      assert_true(dx[3 * STEPS * CHANNELS + j] == 0.0f);
    fr_net_free(b.net);
  }
}

/* Branches of different lengths side by side: behind the shortest, nothing. */
static void the_shortest_branch_counts(void **state) {
  (void)state;
  const fr_shape ten = {10, CHANNELS};
  const uint32_t length[2] = {10, 7}; /* maxpool makes 3 of 7, the convolution 4 */
  float x[2 * 10 * CHANNELS];
  fr__rng rng;
  fr__rng_init(&rng, 10, 0);
  made_numbers(&rng, 1, 2, x, 2 * 10 * CHANNELS);
  memset(x + 17 * CHANNELS, 0, 3 * CHANNELS * sizeof(float));
  static const char *const texts[] = {
      "parallel(maxpool(2) | conv1d(3,3,2,pad=causal)) dense(classes)",
      "parallel(conv1d(3,3,2,pad=causal) | maxpool(2)) dense(classes)"};
  for (size_t i = 0; i < 2; i++) {
    fr_net *net = made_net(texts[i], ten, CLASSES, 2, 0);
    fr_net_set_lengths(net, length);
    const float *y = fr_net_forward(net, x, 2, 0, 1, true);
    assert_int_equal(fr__chain_length(&net->chain, 1, 7), 3);
    for (size_t c = 0; c < 2 * 7; c++)
      assert_true(y[(5 + 3) * 7 + c] == 0.0f);
    assert_true(y[(5 + 2) * 7] != 0.0f && y[4 * 7] != 0.0f);
    fr_net_free(net);
  }
}

/* Lengths that are all the whole change nothing. */
static void full_lengths_are_none(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    bench b;
    begin(&b, &cases[i], true, 8);
    float y[BATCH * CLASSES];
    const size_t layers = fr_net_layer_count(b.net);
    for (size_t s = 0; s < BATCH; s++)
      b.length[s] = STEPS;
    memcpy(y, fr_net_forward(b.net, b.x, BATCH, 0, layers, true), sizeof y);
    fr_net_set_lengths(b.net, NULL);
    near(y, fr_net_forward(b.net, b.x, BATCH, 0, layers, true), BATCH * CLASSES, "output",
         b.arch);
    fr_net_free(b.net);
  }
}

/* The one exception: with a stride, where pad=same puts its zeros depends on the length.
 */
static void only_same_with_stride_differs(void **state) {
  (void)state;
  const family_case of = {"conv1d", "conv1d(5,4,3,pad=same)", 1, false};
  bench b;
  begin(&b, &of, false, 9);
  const size_t length = fr__chain_length(&b.net->chain, 2, 7);
  assert_int_equal(length, 3); /* the count of steps agrees all the same: 7 / 3 upwards */
  fr_net_free(b.net);
  tails_are_zero(&of, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_batch_is_its_samples),
      cmocka_unit_test(no_family_is_left_out),
      cmocka_unit_test(bn_counts_only_valid_steps),
      cmocka_unit_test(too_short_a_sample_gives_zeros),
      cmocka_unit_test(the_shortest_branch_counts),
      cmocka_unit_test(full_lengths_are_none),
      cmocka_unit_test(only_same_with_stride_differs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
