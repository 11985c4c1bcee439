/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a window costs that slides on by HOP frames, beside the same window alone, in CPU
 * time and in turn, medians: bench_stream [HOP [f32|bf16]]. N1 to N3 are those of
 * network.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "frugal/stream.h"

#define FRAMES ((size_t)4096)
#define TURNS 9
#define TURN_NS 20000000

typedef struct network {
  const char *name, *arch;
  fr_shape input;
} network;

static const network networks[] = {
    {"N1",
     "conv1d(64,5) relu bn conv1d(64,5) relu avgpool(all) dense(classes)",
     {128, 12}},
    {"N2",
     "conv1d(64,5) relu conv1d(128,5) relu conv1d(192,5) relu conv1d(256,5) relu "
     "lstm(128) lstm(128) dense(classes)",
     {128, 12}},
    {"N3",
     "lstm(64) lstm(128) lstm(64) dense(64) relu dense(32) relu dense(classes)",
     {30, 1662}},
    {"padded",
     "conv1d(64,5,same) relu residual(conv1d(64,5) bn relu conv1d(64,5) bn) relu "
     "maxpool(2) residual(conv1d(64,5) bn relu conv1d(64,5) bn) relu avgpool(all) "
     "dense(classes)",
     {128, 12}},
};

typedef struct work {
  fr_net *net;
  fr_stream *stream; /* NULL: windows alone */
  const float *x;    /* (FRAMES, C) */
  size_t hop, at;
} work;

/* One answer. */
static void step(work *w) {
  const fr_shape in = fr_net_input(w->net);
  const float *answer = NULL;
  if (w->at + w->hop > FRAMES - in.steps)
    w->at = 0;
  if (!w->stream)
    (void)fr_net_forward(w->net, w->x + w->at * in.channels, 1, 0,
                         fr_net_layer_count(w->net), false);
  else
    (void)fr_stream_push(w->stream, w->x + w->at * in.channels, w->hop, &answer);
  w->at += w->hop;
}

/* Microseconds an answer. */
static double measure(work *w) {
  size_t count = 0;
  uint64_t spent = 0;
  const uint64_t start = fr__clock_process_cpu_ns();
  while (spent < TURN_NS) {
    for (int i = 0; i < 16; i++)
      step(w);
    count += 16;
    spent = fr__clock_process_cpu_ns() - start;
  }
  return (double)spent * 1e-3 / (double)count;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double turn[TURNS]) {
  qsort(turn, TURNS, sizeof *turn, by_value);
  return turn[TURNS / 2];
}

/* A stream's column: microseconds and share of the window's operations. */
static void show(double us, const fr_stream *stream, uint64_t window) {
  if (stream == NULL)
    printf("  %10s %9s", "-", "-");
  else
    printf("  %10.3f %9.4f", us, (double)fr_stream_operations(stream) / (double)window);
}

/* The window alone, then streams whose states restart and go on; the last NULL where it
 * would be the same, or is refused. */
enum { ALONE, RESTART, CARRY, KINDS };

static void compare(const network *n, work w[KINDS]) {
  double turn[KINDS][TURNS] = {{0}};
  for (size_t t = 0; t < TURNS; t++)
    for (size_t k = 0; k < KINDS; k++)
      if (k == ALONE || w[k].stream != NULL)
        turn[k][t] = measure(&w[k]);
  const uint64_t window = fr_net_operations(w[ALONE].net);
  printf("%-8s %10.2f", n->name, median(turn[ALONE]));
  show(median(turn[RESTART]), w[RESTART].stream, window);
  show(median(turn[CARRY]), w[CARRY].stream, window);
  printf("\n");
}

static enum fr_status run(const network *n, size_t hop, enum fr_precision precision,
                          const float *x, fr_error *err) {
  work w[KINDS] = {{.x = x, .hop = hop}, {.x = x, .hop = hop}, {.x = x, .hop = hop}};
  fr_net *net = NULL;
  enum fr_status status = fr_net_new(n->arch, n->input, 24, &net, err);
  if (status != FR_OK)
    return status;
  fr_net_init(net, 1, 0);
  fr_net_set_precision(net, precision);
  for (size_t k = 0; k < KINDS; k++)
    w[k].net = net;
  status = fr_net_reserve(net, 1, false, 0, err);
  if (status == FR_OK)
    status = fr_stream_new(net, hop, FR_STREAM_RESTART, &w[RESTART].stream, err);
  if (status == FR_OK && strstr(n->arch, "lstm"))
    (void)fr_stream_new(net, hop, FR_STREAM_CARRY, &w[CARRY].stream, NULL);
  if (status == FR_OK)
    compare(n, w);
  fr_stream_free(w[RESTART].stream);
  fr_stream_free(w[CARRY].stream);
  fr_net_free(net);
  return status;
}

int main(int argc, char **argv) {
  const size_t hop = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
  const bool bf16 = argc > 2 && strcmp(argv[2], "bf16") == 0;
  float *x = malloc(FRAMES * 1662 * sizeof *x);
  fr_error err = {0};
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  for (size_t i = 0; x != NULL && i < FRAMES * 1662; i++)
    x[i] = (float)fr__rng_normal(&rng);
  enum fr_status status = x != NULL && hop < FRAMES / 2 ? FR_OK : FR_ERR_ARGUMENT;
  printf("hop %zu, %s: microseconds an answer, and share of the window's operations\n"
         "%-8s %10s  %10s %9s  %10s %9s\n",
         hop, bf16 ? "bf16" : "f32", "", "window", "restart", "", "carry", "");
  for (size_t i = 0; i < sizeof networks / sizeof *networks && status == FR_OK; i++)
    status = run(&networks[i], hop, bf16 ? FR_PRECISION_BF16 : FR_PRECISION_F32, x, &err);
  if (status != FR_OK)
    fprintf(stderr, "bench_stream: %s\n", err.text);
  free(x);
  return status == FR_OK ? 0 : 1;
}
