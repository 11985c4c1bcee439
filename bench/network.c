/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One network at work, for networks.py, which asks frugal and its peers in turn over
 * standard input and output, a line each:
 *
 *   check        -> numbers that a peer with the same weights and data must give, too
 *   run SECONDS  -> SAMPLES CPU_SECONDS WALL_SECONDS, whole steps of about that much CPU
 *   memory       -> peak resident memory, KiB
 *   probe        -> multiply-adds in registers, GFLOP/s: what this core does just now
 *   quit
 *
 * A training step is forward, loss, backward and Adam on the next of several batches.
 * Exit 2: what was asked for is not known, or not there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "frugal/export.h"
#include "kern/kern.h"
#include "peak.h"

#define SEED 1
#define RATE 1e-3f
#define CHECK_STEPS 3
#define TURN_NS 4000000 /* the clock is read about this often */
#define PROBE_NS 10000000

typedef struct network {
  const char *name, *arch;
  fr_shape input;
  size_t classes;
} network;

static const network networks[] = {
    {"n1",
     "conv1d(64,5) relu bn conv1d(64,5) relu avgpool(all) dense(24)",
     {128, 12},
     24},
    {"n2",
     "conv1d(64,5) relu conv1d(128,5) relu conv1d(192,5) relu conv1d(256,5) relu "
     "lstm(128) lstm(128) dense(24)",
     {128, 12},
     24},
    {"n3",
     "lstm(64) lstm(128) lstm(64) dense(64) relu dense(32) relu dense(10)",
     {30, 1662},
     10},
    {"n4", "dense(512) relu dense(256) relu dense(60)", {1, 225}, 60},
};
#define NETWORKS (sizeof networks / sizeof *networks)

typedef struct worker worker;
struct worker {
  network of;
  bool train;
  size_t batch, batches, turn;
  fr_net *net;
  fr_optimizer *optimizer;
  fr_int8 *int8;
  float *x;        /* (batches, batch, T, C) */
  uint32_t *label; /* (batches, batch) */
  float *output;   /* (batch, K): d loss / d output, or what int8 gives */
  void (*step)(worker *work);
  double loss; /* of the last training step, before its update */
  const float *answer;
};

static size_t sample_floats(const worker *work) {
  return work->of.input.steps * work->of.input.channels;
}

/* "n1", or "128x12:24:ARCH" with the shape of a sample and the classes; its text is
 * borrowed. */
static enum fr_status find_network(const char *text, network *out, fr_error *err) {
  for (size_t i = 0; i < NETWORKS; i++)
    if (strcmp(text, networks[i].name) == 0) {
      *out = networks[i];
      return FR_OK;
    }
  int used = 0;
  if (sscanf(text, "%zux%zu:%zu:%n", &out->input.steps, &out->input.channels,
             &out->classes, &used) < 3 ||
      used == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' is neither n1 to n4 nor STEPSxCHANNELS:CLASSES:ARCH", text);
  out->name = out->arch = text + used;
  return FR_OK;
}

/* ---- data and steps ---- */

/* Batches in turn: of single samples more, so that they do not stay in the nearest
 * cache. */
static enum fr_status fill(worker *work, fr_error *err) {
  work->batches = work->batch < 8 ? 64 : 4;
  const size_t samples = work->batches * work->batch;
  const size_t floats = samples * sample_floats(work);
  work->x = malloc(floats * sizeof *work->x);
  work->label = malloc(samples * sizeof *work->label);
  work->output = malloc(work->batch * work->of.classes * sizeof *work->output);
  if (work->x == NULL || work->label == NULL || work->output == NULL)
    return fr__fail_memory(err, "the samples");
  fr__rng rng;
  fr__rng_init(&rng, SEED, 0);
  for (size_t i = 0; i < floats; i++)
    work->x[i] = (float)fr__rng_normal(&rng);
  for (size_t i = 0; i < samples; i++)
    work->label[i] = (uint32_t)fr__rng_below(&rng, work->of.classes);
  return FR_OK;
}

static const float *next_batch(worker *work) {
  const size_t turn = work->turn++ % work->batches;
  return work->x + turn * work->batch * sample_floats(work);
}

static void step_train(worker *work) {
  const fr_loss_options loss = {.kind = FR_LOSS_CROSS_ENTROPY};
  const size_t layers = fr_net_layer_count(work->net);
  const uint32_t *label = work->label + work->turn % work->batches * work->batch;
  const fr_targets targets = {.label = label};
  const float *x = next_batch(work);
  const float *y = fr_net_forward(work->net, x, work->batch, 0, layers, true);
  work->loss =
      fr_loss_compute(&loss, y, &targets, work->batch, work->of.classes, work->output);
  fr_net_backward(work->net, work->output, work->batch);
  (void)fr_optimizer_step(work->optimizer);
}

static void step_infer(worker *work) {
  const size_t layers = fr_net_layer_count(work->net);
  const float *x = next_batch(work);
  work->answer = fr_net_forward(work->net, x, work->batch, 0, layers, false);
}

static void step_int8(worker *work) {
  fr_int8_run_batch(work->int8, next_batch(work), work->batch, work->output);
  work->answer = work->output;
}

/* ---- a worker ---- */

static enum fr_status use_int8(worker *work, fr_error *err) {
  const size_t samples = work->batches * work->batch;
  const float **x = malloc(samples * sizeof *x);
  if (x == NULL)
    return fr__fail_memory(err, "the samples");
  for (size_t i = 0; i < samples; i++)
    x[i] = work->x + i * sample_floats(work);
  const enum fr_status status = fr_int8_new(work->net, x, samples, &work->int8, err);
  free(x);
  work->step = step_int8;
  return status;
}

static enum fr_status set_precision(worker *work, const char *precision, size_t threads,
                                    fr_error *err) {
  if (strcmp(precision, "f32") == 0)
    return FR_OK;
  if (strcmp(precision, "bf16") == 0) {
    fr_net_set_precision(work->net, FR_PRECISION_BF16);
    return FR_OK;
  }
  if (strcmp(precision, "int8") != 0)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "there is no precision '%s'", precision);
  if (work->train || threads != 1)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "int8 infers on one thread");
  return use_int8(work, err);
}

static enum fr_status new_optimizer(worker *work, fr_error *err) {
  fr_optimizer_options adam = fr_optimizer_usual_options(FR_OPTIMIZER_ADAM);
  adam.learning_rate = RATE;
  return fr_optimizer_new(work->net, 0, &adam, NULL, &work->optimizer, err);
}

static enum fr_status new_net(worker *work, fr_error *err) {
  const network *of = &work->of;
  enum fr_status status = fr_net_new(of->arch, of->input, of->classes, &work->net, err);
  if (status == FR_OK)
    fr_net_init(work->net, SEED, 0);
  return status;
}

static enum fr_status init(worker *work, const char *precision, size_t threads,
                           fr_error *err) {
  enum fr_status status = new_net(work, err);
  if (status == FR_OK)
    status = fill(work, err);
  if (status == FR_OK)
    status = fr_net_set_threads(work->net, threads, err);
  work->step = work->train ? step_train : step_infer;
  if (status == FR_OK)
    status = set_precision(work, precision, threads, err);
  if (status == FR_OK)
    status = fr_net_reserve(work->net, work->batch, work->train, 0, err);
  if (status == FR_OK && !work->train)
    status = fr_net_prepare(work->net, err);
  if (status == FR_OK && work->train)
    status = new_optimizer(work, err);
  return status;
}

static void release(worker *work) {
  fr_optimizer_free(work->optimizer);
  fr_int8_free(work->int8);
  fr_net_free(work->net);
  free(work->x);
  free(work->label);
  free(work->output);
}

/* ---- what is asked ---- */

static void answer_check(worker *work) {
  if (!work->train) {
    work->turn = 0;
    work->step(work);
    for (size_t k = 0; k < work->of.classes; k++)
      printf("%s%.7g", k == 0 ? "" : " ", (double)work->answer[k]);
  } else {
    for (size_t i = 0; i <= CHECK_STEPS; i++) {
      work->turn = 0;
      work->step(work);
      printf("%s%.7g", i == 0 ? "" : " ", work->loss);
    }
  }
  printf("\n");
}

/* Steps between two looks at the clock. */
static size_t steps_per_look(worker *work) {
  size_t steps = 0;
  const uint64_t start = fr__clock_process_cpu_ns();
  do {
    work->step(work);
    steps++;
  } while (fr__clock_process_cpu_ns() - start < TURN_NS);
  return steps;
}

static void answer_run(worker *work, double seconds) {
  const size_t each = steps_per_look(work);
  size_t steps = 0;
  const uint64_t wall = fr__clock_ns(), start = fr__clock_process_cpu_ns();
  uint64_t spent = 0;
  while ((double)spent < seconds * 1e9) {
    for (size_t i = 0; i < each; i++)
      work->step(work);
    steps += each;
    spent = fr__clock_process_cpu_ns() - start;
  }
  printf("%zu %.9f %.9f\n", steps * work->batch, (double)spent * 1e-9,
         (double)(fr__clock_ns() - wall) * 1e-9);
}

static void answer_memory(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long peak_kib = 0;
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    (void)sscanf(line, "VmHWM: %ld", &peak_kib);
  if (file != NULL)
    fclose(file);
  printf("%ld\n", peak_kib);
}

/* Of the instruction set that the kernels have chosen. */
static peak_function *peak_of_kernels(void) {
  fr__kern kern = {0};
  peak_function *peak = fr__kern_peak_baseline;
  if (fr__kern_init(&kern, NULL) != FR_OK)
    return peak;
#ifdef FR__KERN_HAVE_X86
  if (strncmp(fr__kern_name(&kern), "avx512", 6) == 0 || /* avx512bf16 is one of them */
      strcmp(fr__kern_name(&kern), "amx") == 0)
    peak = fr__kern_peak_avx512;
  else if (strcmp(fr__kern_name(&kern), "avx2") == 0)
    peak = fr__kern_peak_avx2;
#endif
  if (strcmp(fr__kern_name(&kern), "scalar") == 0)
    peak = fr__kern_peak_scalar;
  fr__kern_release(&kern);
  return peak;
}

static void answer_probe(peak_function *peak) {
  double done = 0.0;
  const uint64_t start = fr__clock_process_cpu_ns();
  uint64_t spent = 0;
  while (spent < PROBE_NS) {
    float result = 0.999f;
    done += peak(20000, &result);
    spent = fr__clock_process_cpu_ns() - start;
  }
  printf("%.2f\n", done / (double)spent);
}

/* `work` NULL: nothing but probes. */
static void serve(worker *work) {
  peak_function *peak = peak_of_kernels();
  char line[64];
  while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin) != NULL) {
    double seconds;
    if (strncmp(line, "quit", 4) == 0)
      return;
    if (strncmp(line, "probe", 5) == 0)
      answer_probe(peak);
    else if (strncmp(line, "memory", 6) == 0)
      answer_memory();
    else if (work != NULL && strncmp(line, "check", 5) == 0)
      answer_check(work);
    else if (work != NULL && sscanf(line, "run %lf", &seconds) == 1)
      answer_run(work, seconds);
    else
      printf("error: not understood\n");
  }
}

/* ---- the same weights and data for peers ---- */

static enum fr_status write_array(const char *folder, const char *name, const void *data,
                                  size_t bytes, fr_error *err) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  const bool done = file != NULL && fwrite(data, 1, bytes, file) == bytes;
  if ((file != NULL && fclose(file) != 0) || !done)
    return fr__fail(err, FR_ERR_IO, "'%s' could not be written", path);
  return FR_OK;
}

static enum fr_status write_model(const worker *work, const char *folder, fr_error *err) {
  char name[] = "class", path[4096];
  char **names = malloc(work->of.classes * sizeof *names);
  if (names == NULL)
    return fr__fail_memory(err, "the names");
  for (size_t k = 0; k < work->of.classes; k++)
    names[k] = name;
  const fr_model model = {
      .net = work->net, .classes = {work->of.classes, names}, .window = 1, .step = 1};
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  enum fr_status status = fr_model_save(&model, path, err);
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  if (status == FR_OK)
    status = fr_export_onnx(&model, path, NULL, err);
  free(names);
  return status;
}

static enum fr_status write_all(worker *work, const char *folder, fr_error *err) {
  enum fr_status status = new_net(work, err);
  if (status == FR_OK)
    status = fill(work, err);
  const size_t samples = work->batches * work->batch;
  if (status == FR_OK)
    status = write_array(folder, "x.f32", work->x,
                         samples * sample_floats(work) * sizeof *work->x, err);
  if (status == FR_OK)
    status =
        write_array(folder, "label.u32", work->label, samples * sizeof *work->label, err);
  return status == FR_OK ? write_model(work, folder, err) : status;
}

static size_t number(const char *text) { return strtoul(text, NULL, 10); }

static enum fr_status run(char **argv, fr_error *err) {
  worker work = {.train = strcmp(argv[2], "train") == 0, .batch = number(argv[3])};
  enum fr_status status = find_network(argv[1], &work.of, err);
  if (status == FR_OK && (work.batch == 0 || work.batch > 4096))
    status = fr__fail(err, FR_ERR_ARGUMENT, "a batch has 1 to 4096 samples");
  if (status == FR_OK && strcmp(argv[2], "write") == 0) {
    status = write_all(&work, argv[4], err);
  } else if (status == FR_OK) {
    status = init(&work, argv[4], argv[5] == NULL ? 1 : number(argv[5]), err);
    if (status == FR_OK) {
      printf("ready %zu\n", fr_net_parameters(work.net));
      serve(&work);
    }
  }
  release(&work);
  return status;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "probe") == 0) {
    printf("ready 0\n");
    serve(NULL);
    return 0;
  }
  if (argc < 5 || argc > 6) {
    fprintf(stderr, "usage: bench_network NETWORK train|infer BATCH f32|bf16|int8 "
                    "[THREADS]\n       bench_network NETWORK write BATCH FOLDER\n"
                    "       bench_network probe\n");
    return 2;
  }
  fr_error err = {0};
  const enum fr_status status = run(argv, &err);
  if (status != FR_OK)
    fprintf(stderr, "bench_network: %s\n", err.text);
  if (status == FR_ERR_UNSUPPORTED || status == FR_ERR_ARGUMENT)
    return 2;
  return status == FR_OK ? 0 : 1;
}
