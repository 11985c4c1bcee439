/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/recognizing.h"
#include "cli/truth.h"
#include "data/reader.h"
#include "recognize/frames.h"

/* Ten samples a second cost more than thirty frames. */
#define INTERVAL_S 1.0

typedef struct recognize {
  cli_output output;
  fr_recognizer_options options;
  const char *model, *truth;
  bool raw, skip_bad;
  char **name;  /* (classes) as JSON; owned */
  float *frame; /* owned */
  fr__frames frames;
  cli_recognizing figures;
  cli_truth scored; /* where `truth` is told */
  fr_error bad;     /* the first line that was passed over */
} recognize;

enum {
  KEY_RAW = 0x900,
  KEY_RATE,
  KEY_HOP,
  KEY_STATES,
  KEY_TEMPERATURE,
  KEY_SMOOTH,
  KEY_BEGIN,
  KEY_END,
  KEY_LEAST,
  KEY_MOST,
  KEY_REST,
  KEY_GAP,
  KEY_SKIP,
  KEY_TRUTH,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Frames:", 10},
    {"raw", KEY_RAW, "f32", 0,
     "stdin is float32 in this machine's order, frame behind frame, not lines of JSON",
     10},
    {"rate", KEY_RATE, "HZ", 0,
     "of frames that do not tell their times (default: the model's)", 10},
    {"gap", KEY_GAP, "SECONDS", 0,
     "frames further apart do not belong together: all begins anew (default 0.5)", 10},
    {"skip-bad", KEY_SKIP, NULL, 0,
     "pass over lines that are no frame, and count them (default: stop)", 10},
    {NULL, 0, NULL, 0, "Answers:", 20},
    {"hop", KEY_HOP, "N", 0, "frames from one window to the next (default 1)", 20},
    {"states", KEY_STATES, "restart|carry", 0,
     "of recurrent layers: begin anew with each window, as they were trained (default), "
     "or go on from frame to frame",
     20},
    {"temperature", KEY_TEMPERATURE, "T", 0,
     "divides the logits before the softmax (default 1)", 20},
    {"smooth", KEY_SMOOTH, "SECONDS", 0,
     "time constant of the mean of probabilities (default 0.1; 0: none)", 20},
    {NULL, 0, NULL, 0, "Signs:", 30},
    {"begin", KEY_BEGIN, "P", 0, "probability with which a sign begins (default 0.8)",
     30},
    {"end", KEY_END, "SHARE", 0,
     "of its greatest probability below which a sign ends (default 0.7)", 30},
    {"least", KEY_LEAST, "SECONDS", 0, "shorter signs are not told (default 0.2)", 30},
    {"most", KEY_MOST, "SECONDS", 0,
     "tell a sign that lasts longer before it has ended; 0: never (default 0.3 of models "
     "of key points, else 0)",
     30},
    {"rest", KEY_REST, "SECONDS", 0,
     "the same sign so soon behind its end is the same performance (default 0.5)", 30},
    {"truth", KEY_TRUTH, "FILE.jsonl", 0,
     "score the lines against what was signed, as frugal data export --stream tells it",
     40},
    {0},
};

static void parse_states(recognize *c, struct argp_state *state, const char *text) {
  if (strcmp(text, "restart") != 0 && strcmp(text, "carry") != 0)
    argp_error(state, "--states '%s' is neither restart nor carry", text);
  c->options.states = *text == 'c' ? FR_STREAM_CARRY : FR_STREAM_RESTART;
}

static void check(const recognize *c, struct argp_state *state) {
  fr_error err;
  if (fr_recognizer_check(&c->options, &err) != FR_OK)
    argp_error(state, "%s", err.text);
  if (c->output.json != NULL && strcmp(c->output.json, "-") == 0)
    argp_error(state, "stdout is for signs: --json takes a file");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  recognize *c = state->input;
  fr_recognizer_options *o = &c->options;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &c->output; return 0;
  case ARGP_KEY_ARG:
  case ARGP_KEY_NO_ARGS: return cli_parse_model(key, text, state, &c->model);
  case KEY_RAW:
    if (strcmp(text, "f32") != 0)
      argp_error(state, "--raw '%s' is not f32", text);
    c->raw = true;
    return 0;
  case KEY_RATE: o->rate_hz = cli_real(state, "rate", text, 1e-3, 1e6); return 0;
  case KEY_HOP: o->hop = cli_number(state, "hop", text, 1, (size_t)1 << 20); return 0;
  case KEY_STATES: parse_states(c, state, text); return 0;
  case KEY_TEMPERATURE:
    o->temperature = (float)cli_real(state, "temperature", text, 1e-3, 1e3);
    return 0;
  case KEY_SMOOTH: o->smooth_s = cli_real(state, "smooth", text, 0, 3600); return 0;
  case KEY_BEGIN: o->begin = (float)cli_real(state, "begin", text, 1e-3, 1); return 0;
  case KEY_END: o->end = (float)cli_real(state, "end", text, 0, 1); return 0;
  case KEY_LEAST: o->least_s = cli_real(state, "least", text, 0, 3600); return 0;
  case KEY_MOST: o->most_s = cli_real(state, "most", text, 0, 3600); return 0;
  case KEY_REST: o->rest_s = cli_real(state, "rest", text, 0, 3600); return 0;
  case KEY_GAP: o->gap_s = cli_real(state, "gap", text, 1e-3, 3600); return 0;
  case KEY_SKIP: c->skip_bad = true; return 0;
  case KEY_TRUTH: c->truth = text; return 0;
  case ARGP_KEY_END: check(c, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    "MODEL <FRAMES",
    "Recognises signs in frames that come on stdin: a line of JSON each, an array of "
    "numbers or {\"t\": seconds, \"frame\": [...]}, or raw float32. Each sign is a line "
    "of "
    "JSON on stdout as soon as it is told: {\"sign\", \"confidence\", \"start_s\", "
    "\"end_s\", \"said_s\"}. What it has cost stands on stderr at the end.",
    children,
    NULL,
    NULL};

/* ---- stdin ---- */

/* Sleeps until there are bytes. An interrupt is the end: it is let in while nothing else
 * is done, so that none gets lost between a look at it and the sleep. */
static ptrdiff_t read_stdin(void *self, void *to, size_t room) {
  sigset_t ours, before;
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  (void)self;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  const int ready = cli_interrupted() ? 0 : ppoll(&in, 1, NULL, &before);
  const int failure = ready < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (ready <= 0)
    return failure == EINTR ? 0 : -failure;
  const ssize_t got = read(STDIN_FILENO, to, room);
  return got < 0 ? -errno : got;
}

/* ---- signs ---- */

static enum fr_status name_signs(recognize *c, const fr_names *classes, fr_error *err) {
  c->name = calloc(classes->count, sizeof *c->name);
  for (size_t i = 0; c->name != NULL && i < classes->count; i++) {
    json_t *string = json_string(classes->name[i]);
    c->name[i] = json_dumps(string, JSON_ENCODE_ANY);
    json_decref(string);
    if (c->name[i] == NULL)
      return fr__fail_memory(err, "the names of signs");
  }
  return c->name != NULL ? FR_OK : fr__fail_memory(err, "the names of signs");
}

static void release_names(recognize *c, size_t count) {
  for (size_t i = 0; c->name != NULL && i < count; i++)
    free(c->name[i]);
  free(c->name);
}

/* A line at once, for whoever waits behind the pipe. */
static enum fr_status say(recognize *c, const fr_recognized *sign, fr_error *err) {
  c->figures.signs++;
  printf("{\"sign\":%s,\"confidence\":%.4f,\"start_s\":%.3f,\"end_s\":%.3f,"
         "\"said_s\":%.3f}\n",
         c->name[sign->sign], (double)sign->confidence, sign->start_s, sign->end_s,
         sign->said_s);
  if (fflush(stdout) != 0)
    return fr__fail_errno(err, errno, "standard output cannot be written");
  return c->truth != NULL ? cli_truth_add(&c->scored, sign, err) : FR_OK;
}

/* ---- frames ---- */

/* The next frame into c->frame; *more false: there is none, or the user has enough. */
static enum fr_status next(recognize *c, double *t_s, bool *more, fr_error *err) {
  const char *text;
  size_t size;
  enum fr_status status = fr__frames_wait(&c->frames, &text, &size, more, err);
  *more = *more && !cli_interrupted(); /* a line may have been cut off */
  if (status != FR_OK || !*more)
    return status;
  const uint64_t from_ns = fr__clock_ns();
  status = fr__frames_parse(&c->frames, text, size, c->frame, t_s, err);
  cli_spread_add(&c->figures.parse, fr__clock_ns() - from_ns);
  return status;
}

/* Whether frames can be read on behind such a failure, and shall be. */
static bool passes(recognize *c, enum fr_status status, const fr_error *err) {
  if (!c->skip_bad || (status != FR_ERR_FORMAT && status != FR_ERR_LIMIT))
    return false;
  if (c->figures.skipped++ == 0)
    c->bad = *err;
  return true;
}

static enum fr_status push(recognize *c, cli_session *session, double t_s,
                           fr_error *err) {
  fr_recognized sign;
  const uint64_t from_ns = fr__clock_ns();
  fr_phase_begin(session->meter, "recognize");
  const bool told = fr_recognizer_push(c->figures.recognizer, t_s, c->frame, &sign);
  fr_phase_end(session->meter);
  cli_spread_add(&c->figures.push, fr__clock_ns() - from_ns);
  return told ? say(c, &sign, err) : FR_OK;
}

static enum fr_status recognize_all(recognize *c, cli_session *session, fr_error *err) {
  enum fr_status status = FR_OK;
  fr_recognized sign;
  bool more = true;
  while (status == FR_OK && more) {
    double t_s = NAN;
    fr_phase_begin(session->meter, "read");
    status = next(c, &t_s, &more, err);
    fr_phase_end(session->meter);
    if (status == FR_OK && more) {
      cli_recognizing_frame(&c->figures, session, t_s);
      status = push(c, session, t_s, err);
    } else if (status != FR_OK && passes(c, status, err)) {
      status = FR_OK;
      more = true;
    }
  }
  if (status == FR_OK && fr_recognizer_end(c->figures.recognizer, &sign))
    status = say(c, &sign, err);
  return status;
}

/* ---- the command ---- */

static enum fr_status open_all(recognize *c, cli_session *session, fr_model *model,
                               fr_error *err) {
  fr_phase_begin(session->meter, "open");
  enum fr_status status = fr_model_load(model, c->model, err);
  if (status == FR_OK)
    status = fr_recognizer_new(model, &c->options, &c->figures.recognizer, err);
  if (status == FR_OK)
    status = name_signs(c, &model->classes, err);
  if (status == FR_OK && c->truth != NULL)
    status = cli_truth_read(&c->scored, c->truth, &model->classes, err);
  if (status == FR_OK) {
    const size_t inputs = fr_recognizer_inputs(c->figures.recognizer);
    c->figures.frames_hz = c->options.rate_hz;
    c->frame = calloc(inputs, sizeof *c->frame);
    status = fr__frames_init(&c->frames, c->raw ? FR__FRAME_RAW : FR__FRAME_JSON, inputs,
                             read_stdin, NULL, err);
    if (status == FR_OK && c->frame == NULL)
      status = fr__fail_memory(err, "a frame");
  }
  fr_phase_end(session->meter);
  return status;
}

static void warn(cli_session *session, const fr_model *model) {
  if (strcmp(model->task, "gesture") == 0 &&
      fr__names_find(&model->classes, FR_NO_SIGN, strlen(FR_NO_SIGN)) == FR_NONE) {
    cli_warn(&session->result,
             "the model has no class '" FR_NO_SIGN "': pauses and other movements will "
             "be taken for signs");
    cli_result_tell(&session->result);
  }
}

static void tell(recognize *c, cli_session *session) {
  if (c->figures.skipped > 0)
    cli_warn(&session->result,
             "lines passed over that are no frames: %llu; the first: %s",
             (unsigned long long)c->figures.skipped, c->bad.text);
  if (!c->output.quiet && (c->truth != NULL || isatty(STDERR_FILENO)))
    cli_put_clean(fr__buf_text(&session->text), stderr);
  fr__buf_clear(&session->text); /* stdout has the signs */
}

static enum fr_status score(recognize *c, cli_session *session, fr_error *err) {
  if (c->figures.frames == 0) {
    json_object_set_new(session->result.result, "score", json_null());
    return FR_OK;
  }
  return cli_truth_score(&c->scored, c->figures.timed ? c->figures.first_s : 0,
                         cli_recognizing_seconds(&c->figures), session, err);
}

static enum fr_status run(cli_session *session, recognize *c, fr_error *err) {
  fr_model model = {0};
  enum fr_status status = open_all(c, session, &model, err);
  if (status == FR_OK) {
    warn(session, &model);
    status = recognize_all(c, session, err);
  }
  if (status == FR_OK)
    status = cli_recognizing_measured(&c->figures, session, err);
  if (status == FR_OK && c->truth != NULL)
    status = score(c, session, err);
  if (status == FR_OK)
    tell(c, session);
  cli_truth_release(&c->scored);
  fr__frames_release(&c->frames);
  free(c->frame);
  release_names(c, model.classes.count);
  fr_recognizer_free(c->figures.recognizer);
  fr_model_release(&model);
  return status;
}

int cli_cmd_recognize(int argc, char **argv) {
  recognize c = {.output = {.interval_s = INTERVAL_S},
                 .options = fr_recognizer_default_options()};
  argp_parse(&argp, argc, argv, 0, NULL, &c);
  fr_error err = {0};
  cli_session session;
  if (cli_check_writable(c.output.json, &err) != FR_OK ||
      cli_session_start(&session, "recognize", c.model, argc, argv, &c.output, &err) !=
          FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &c, &err);
  return cli_session_end(&session, status, &err);
}
