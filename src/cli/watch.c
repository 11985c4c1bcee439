/* SPDX-License-Identifier: Apache-2.0 */
/* The live chart's terminal: who writes to it, when, and how it is given back. */
#include "cli/watch.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

#define REDRAW_NS 100000000 /* at most ten pictures a second */
#define INLINE_ROWS 14      /* where the whole screen is not taken */
#define ENTER "\x1b[?1049h\x1b[?25l\x1b[2J"
#define LEAVE "\x1b[?25h\x1b[?1049l"

/* Sum and range of a series since start. */
typedef struct tally {
  double now_w, min_w, max_w, joules, seconds;
} tally;

struct cli_watch {
  cli_watch_options options;
  char *title, *sensor, *name[CLI_WATCH_DOMAINS]; /* owned */
  bool utf8;
  pthread_t thread;
  pthread_mutex_t lock; /* of all below */
  bool stop, dirty;
  tally total, domain[CLI_WATCH_DOMAINS];
  double t_s[2 * CLI_WATCH_SAMPLES], power_w[2 * CLI_WATCH_SAMPLES]; /* the newest last */
  size_t count;
  double last_s, energy_j, normal_w;
  double usual_s; /* how long the first sample was */
  char phase[128], note[256];
  /* the drawing thread's */
  fr__buf frame;
  size_t drawn_rows;
  struct sigaction resize_before, stop_before;
};

/* What a signal handler can reach: it has no argument. One watch at a time. */
static volatile sig_atomic_t wake_fd = -1;
static volatile sig_atomic_t screen_fd = -1; /* the whole screen is taken there */

static void wake(void) {
  const uint64_t one = 1;
  const int kept = errno, fd = wake_fd;
  if (fd >= 0 && write(fd, &one, sizeof one) < 0) {
    /* full: the thread is awake already */
  }
  errno = kept;
}

static void on_resize(int number) {
  (void)number;
  wake();
}

static void say(int fd, const char *text, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, text, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return;
    text += n;
    size -= (size_t)n;
  }
}

/* Ctrl-Z: the shell gets its screen, and we get ours when we go on. */
static void on_stop(int number) {
  const int kept = errno, fd = screen_fd;
  struct sigaction ours, usual = {.sa_handler = SIG_DFL};
  sigset_t only, before;
  if (fd >= 0)
    say(fd, LEAVE, sizeof LEAVE - 1);
  sigemptyset(&only);
  sigaddset(&only, number);
  sigaction(number, &usual, &ours);
  raise(number);
  sigprocmask(SIG_UNBLOCK, &only, &before); /* stops here */
  sigprocmask(SIG_SETMASK, &before, NULL);
  sigaction(number, &ours, NULL);
  if (fd >= 0)
    say(fd, ENTER, sizeof ENTER - 1);
  wake();
  errno = kept;
}

/* ---- what is told ---- */

static tally new_tally(void) {
  return (tally){.now_w = (double)NAN, .min_w = (double)NAN, .max_w = (double)NAN};
}

/* `fit` for least and most: as a meter takes them (fr_meter_report). */
static void tally_add(tally *t, double power_w, double span_s, bool fit) {
  t->now_w = power_w;
  if (!isfinite(power_w))
    return;
  if (fit) {
    t->min_w = fmin(t->min_w, power_w);
    t->max_w = fmax(t->max_w, power_w);
  }
  t->joules += power_w * span_s;
  t->seconds += span_s;
}

static cli_watch_series series_of(const char *name, const tally *t) {
  const double mean_w = t->seconds > 0 ? t->joules / t->seconds : t->now_w;
  return (cli_watch_series){.name = name,
                            .now_w = t->now_w,
                            .min_w = fmin(t->min_w, mean_w),
                            .mean_w = mean_w,
                            .max_w = fmax(t->max_w, mean_w)};
}

/* Room for one more: half of what is kept is forgotten where there is none. */
static void make_room(cli_watch *w) {
  if (w->count < 2 * CLI_WATCH_SAMPLES)
    return;
  memcpy(w->t_s, w->t_s + CLI_WATCH_SAMPLES, CLI_WATCH_SAMPLES * sizeof *w->t_s);
  memcpy(w->power_w, w->power_w + CLI_WATCH_SAMPLES,
         CLI_WATCH_SAMPLES * sizeof *w->power_w);
  w->count = CLI_WATCH_SAMPLES;
}

void cli_watch_add(cli_watch *watch, double t_s, double power_w, double energy_j,
                   bool marked, const double *domain_w) {
  pthread_mutex_lock(&watch->lock);
  const double span_s = fmax(t_s - watch->last_s, 0);
  make_room(watch);
  watch->t_s[watch->count] = t_s;
  watch->power_w[watch->count++] = power_w;
  watch->usual_s = watch->usual_s > 0 ? watch->usual_s : span_s;
  const bool fit = !marked && span_s >= watch->usual_s / 2;
  tally_add(&watch->total, power_w, span_s, fit);
  if (isfinite(power_w) && t_s > 0) { /* energy by time, as in the report */
    watch->total.joules = energy_j;
    watch->total.seconds = t_s;
  }
  for (size_t d = 0; domain_w != NULL && d < watch->options.domains; d++)
    tally_add(&watch->domain[d], domain_w[d], span_s, fit);
  watch->last_s = t_s;
  watch->energy_j = energy_j;
  watch->dirty = true;
  pthread_mutex_unlock(&watch->lock);
  wake();
}

static void tell(cli_watch *w, char *kept, size_t size, const char *text) {
  pthread_mutex_lock(&w->lock);
  kept[0] = '\0';
  if (text != NULL)
    strncat(kept, text, size - 1);
  w->dirty = true;
  pthread_mutex_unlock(&w->lock);
  wake();
}

void cli_watch_phase(cli_watch *watch, const char *path) {
  tell(watch, watch->phase, sizeof watch->phase, path);
}

void cli_watch_note(cli_watch *watch, const char *text) {
  tell(watch, watch->note, sizeof watch->note, text);
}

void cli_watch_normal(cli_watch *watch, double normal_w) {
  pthread_mutex_lock(&watch->lock);
  watch->normal_w = normal_w;
  pthread_mutex_unlock(&watch->lock);
}

/* ---- drawing ---- */

/* The chart fills from its beginning on rather than from its right end. */
static double span_now(const cli_watch *w) {
  return fmin(w->options.span_s, fmax(w->last_s, w->options.span_s / 6));
}

static void render(cli_watch *w, size_t columns, size_t rows, fr__buf *picture) {
  cli_watch_series domain[CLI_WATCH_DOMAINS];
  pthread_mutex_lock(&w->lock);
  for (size_t d = 0; d < w->options.domains; d++)
    domain[d] = series_of(w->name[d], &w->domain[d]);
  /* from the first sample that reaches into the chart on */
  size_t first = 0;
  while (first + 1 < w->count && w->t_s[first + 1] < w->last_s - w->options.span_s)
    first++;
  const cli_watch_view view = {.title = w->title,
                               .sensor = w->sensor,
                               .elapsed_s = w->last_s,
                               .energy_j = w->energy_j,
                               .normal_w = w->normal_w,
                               .total = series_of("total", &w->total),
                               .domain = domain,
                               .domains = w->options.domains,
                               .phase = w->phase[0] != '\0' ? w->phase : NULL,
                               .note = w->note[0] != '\0' ? w->note : NULL,
                               .t_s = w->t_s + first,
                               .power_w = w->power_w + first,
                               .count = w->count - first,
                               .span_s = span_now(w)};
  cli_watch_render(&view, columns, rows, w->utf8, picture);
  w->dirty = false;
  pthread_mutex_unlock(&w->lock);
}

/* Over the last picture, each line's rest and what is below it erased: nothing is ever
 * blank in between, so nothing flickers. */
static void compose(cli_watch *w, const char *picture) {
  fr__buf *const frame = &w->frame;
  size_t rows = 1;
  fr__buf_clear(frame);
  if (w->options.whole_screen)
    fr__buf_add(frame, "\x1b[H");
  else if (w->drawn_rows > 1)
    fr__buf_printf(frame, "\r\x1b[%zuA", w->drawn_rows - 1);
  else
    fr__buf_add(frame, "\r");
  for (; *picture != '\0'; picture++) {
    rows += *picture == '\n';
    if (*picture == '\n')
      fr__buf_add(frame, "\x1b[K\r\n");
    else
      fr__buf_add_bytes(frame, picture, 1);
  }
  fr__buf_add(frame, "\x1b[K\x1b[J");
  w->drawn_rows = rows;
}

static void draw(cli_watch *w) {
  struct winsize size = {0};
  fr__buf picture;
  if (ioctl(w->options.fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    size = (struct winsize){.ws_col = 80, .ws_row = 24};
  size_t rows = size.ws_row > 0 ? size.ws_row : 24;
  if (!w->options.whole_screen && rows > INLINE_ROWS)
    rows = INLINE_ROWS;
  fr__buf_init(&picture, 0);
  /* Not the last column: some terminals break the line there. */
  render(w, size.ws_col > 1 ? size.ws_col - 1u : 1, rows, &picture);
  compose(w, fr__buf_text(&picture));
  if (picture.status == FR_OK && w->frame.status == FR_OK)
    say(w->options.fd, fr__buf_text(&w->frame), w->frame.length);
  fr__buf_release(&picture);
}

static bool is_stopped(cli_watch *w) {
  pthread_mutex_lock(&w->lock);
  const bool stop = w->stop;
  pthread_mutex_unlock(&w->lock);
  return stop;
}

/* Sleeps until something is told or the window changes. */
static void *run(void *self) {
  cli_watch *const w = self;
  const struct timespec pause = {.tv_nsec = REDRAW_NS};
  for (;;) {
    uint64_t count;
    struct pollfd woken = {.fd = wake_fd, .events = POLLIN};
    if (poll(&woken, 1, -1) < 0 && errno != EINTR)
      break;
    if (read(wake_fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
      break;
    if (is_stopped(w))
      break;
    draw(w);
    nanosleep(&pause, NULL);
  }
  return NULL;
}

/* ---- begin and end ---- */

static bool locale_is_utf8(void) {
  static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *value = getenv(variables[i]);
    if (value != NULL && *value != '\0')
      return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
  }
  return false;
}

cli_watch_options cli_watch_default_options(void) {
  return (cli_watch_options){
      .fd = STDERR_FILENO, .normal_w = (double)NAN, .span_s = 60, .whole_screen = true};
}

static void release(cli_watch *w) {
  free(w->title);
  free(w->sensor);
  for (size_t d = 0; d < CLI_WATCH_DOMAINS; d++)
    free(w->name[d]);
  fr__buf_release(&w->frame);
  free(w);
}

static cli_watch *new_watch(const cli_watch_options *options) {
  cli_watch *w = calloc(1, sizeof *w);
  if (w == NULL)
    return NULL;
  w->options = *options;
  w->utf8 = locale_is_utf8();
  w->normal_w = options->normal_w;
  w->total = new_tally();
  fr__buf_init(&w->frame, 0);
  if (w->options.domains > CLI_WATCH_DOMAINS)
    w->options.domains = CLI_WATCH_DOMAINS;
  w->title = strdup(options->title != NULL ? options->title : "");
  w->sensor = strdup(options->sensor != NULL ? options->sensor : "");
  bool whole = w->title != NULL && w->sensor != NULL;
  for (size_t d = 0; whole && d < w->options.domains; d++) {
    w->domain[d] = new_tally();
    w->name[d] = strdup(options->domain[d]);
    whole = w->name[d] != NULL;
  }
  if (whole)
    return w;
  release(w);
  return NULL;
}

static void take_terminal(cli_watch *w) {
  struct sigaction resize = {.sa_handler = on_resize, .sa_flags = SA_RESTART};
  struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
  sigemptyset(&resize.sa_mask);
  sigemptyset(&stop.sa_mask);
  sigaction(SIGWINCH, &resize, &w->resize_before);
  sigaction(SIGTSTP, &stop, &w->stop_before);
  if (!w->options.whole_screen)
    return;
  screen_fd = w->options.fd;
  say(w->options.fd, ENTER, sizeof ENTER - 1);
}

static void give_terminal_back(cli_watch *w) {
  sigaction(SIGWINCH, &w->resize_before, NULL);
  sigaction(SIGTSTP, &w->stop_before, NULL);
  screen_fd = -1;
  if (w->options.whole_screen) {
    say(w->options.fd, LEAVE, sizeof LEAVE - 1);
    return;
  }
  draw(w);
  say(w->options.fd, "\r\n", 2);
}

enum fr_status cli_watch_new(const cli_watch_options *options, cli_watch **out,
                             fr_error *err) {
  if (isatty(options->fd) != 1)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "a live chart needs a terminal");
  if (wake_fd >= 0)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "one live chart at a time");
  cli_watch *w = new_watch(options);
  if (w == NULL)
    return fr__fail_memory(err, "a live chart");
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    release(w);
    return fr__fail_errno(err, errno, "a live chart cannot be woken");
  }
  wake_fd = fd;
  pthread_mutex_init(&w->lock, NULL);
  take_terminal(w);
  const int number = pthread_create(&w->thread, NULL, run, w);
  if (number == 0) {
    wake();
    *out = w;
    return FR_OK;
  }
  give_terminal_back(w);
  wake_fd = -1;
  close(fd);
  release(w);
  return fr__fail_errno(err, number, "a live chart has no thread");
}

void cli_watch_free(cli_watch *watch) {
  if (watch == NULL)
    return;
  pthread_mutex_lock(&watch->lock);
  watch->stop = true;
  pthread_mutex_unlock(&watch->lock);
  wake();
  pthread_join(watch->thread, NULL);
  give_terminal_back(watch);
  const int fd = wake_fd;
  wake_fd = -1;
  close(fd);
  pthread_mutex_destroy(&watch->lock);
  release(watch);
}
