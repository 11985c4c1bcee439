/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR = 24, REDRAW_MS = 100 };

/* Three digits; what is rounded up to four of them takes the next prefix. */
static int digits_of(double scaled) {
  const double size = fabs(scaled);
  return size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
}

void cli_format_si(double value, const char *unit, char *text, size_t size) {
  static const char *const prefixes[] = {"p", "n", "µ", "m", "", "k", "M", "G", "T"};
  enum { LEAST = -4, MOST = 4 };
  int power = 0;
  double scaled = value;
  while (fabs(scaled) >= 999.5 && power < MOST) {
    scaled /= 1000;
    power++;
  }
  while (scaled != 0 && fabs(scaled) < 0.9995 && power > LEAST) {
    scaled *= 1000;
    power--;
  }
  if (fabs(scaled) < 0.005) /* nothing, or as good as nothing */
    snprintf(text, size, "0 %s", unit);
  else if (fabs(scaled) >= 1e6) /* behind the last prefix: 3e+21 TJ */
    snprintf(text, size, "%.3g T%s", scaled, unit);
  else
    snprintf(text, size, "%.*f %s%s", digits_of(scaled), scaled, prefixes[power - LEAST],
             unit);
}

void cli_format_duration(double seconds, char *text, size_t size) {
  if (seconds < 60) {
    snprintf(text, size, "%.*f s", seconds < 10 ? 1 : 0, seconds);
    return;
  }
  const unsigned long whole = (unsigned long)llround(seconds);
  if (whole < 3600)
    snprintf(text, size, "%lu:%02lu min", whole / 60, whole % 60);
  else
    snprintf(text, size, "%lu h %02lu min", whole / 3600, whole % 3600 / 60);
}

void cli_progress_start(cli_progress *progress, bool quiet) {
  *progress = (cli_progress){.shown = !quiet && isatty(STDERR_FILENO) == 1,
                             .start_ns = fr__clock_ns()};
}

static size_t columns_of_stderr(void) {
  struct winsize size;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
    return size.ws_col;
  return 80;
}

/* "[#######-----]  58 %" with eighths of a cell. */
static void format_bar(double done, char *text, size_t size) {
  static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int cells = (int)(done * BAR * 8);
  size_t at = 0;
  for (int i = 0; i < BAR && at + 8 < size; i++) {
    const char *cell = i < cells / 8 ? "█" : i == cells / 8 ? eighths[cells % 8] : " ";
    at += (size_t)snprintf(text + at, size - at, "%s", cell);
  }
  text[at] = '\0';
}

/* Characters that a terminal shows of UTF-8 text: all but continuation bytes. */
static size_t width_of(const char *text) {
  size_t width = 0;
  for (; *text != '\0'; text++)
    width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

static size_t cut_to(char *text, size_t width) {
  size_t seen = 0;
  for (char *p = text; *p != '\0'; p++) {
    if (((unsigned char)*p & 0xc0) == 0x80)
      continue;
    if (seen == width) {
      *p = '\0';
      return width;
    }
    seen++;
  }
  return seen;
}

void cli_progress_draw(cli_progress *progress, const char *what, double done,
                       double eta_s, double power_w, double energy_j) {
  if (!progress->shown)
    return;
  const uint64_t now = fr__clock_ns();
  if (progress->drawn_ns != 0 && now - progress->drawn_ns < REDRAW_MS * 1000000ull)
    return;
  progress->drawn_ns = now;
  done = done < 0 ? 0 : done > 1 ? 1 : done;
  const double gone_s = (double)(now - progress->start_ns) * 1e-9;
  if (eta_s < 0 && done > 0.01 && gone_s > 1)
    eta_s = gone_s * (1 - done) / done;

  char bar[BAR * 4], tail[160] = "", part[48], line[512];
  format_bar(done, bar, sizeof bar);
  if (eta_s >= 0) {
    cli_format_duration(eta_s, part, sizeof part);
    snprintf(tail + strlen(tail), sizeof tail - strlen(tail), "  %s left", part);
  }
  if (power_w > 0) {
    cli_format_si(power_w, "W", part, sizeof part);
    snprintf(tail + strlen(tail), sizeof tail - strlen(tail), "  %s", part);
  }
  if (energy_j > 0) {
    cli_format_si(energy_j, "J", part, sizeof part);
    snprintf(tail + strlen(tail), sizeof tail - strlen(tail), "  %s", part);
  }
  snprintf(line, sizeof line, "▕%s▏%3.0f %%%s  %s", bar, done * 100, tail, what);
  const size_t width = cut_to(line, columns_of_stderr() - 1);
  fprintf(stderr, "\r%s%*s", line,
          progress->width > width ? (int)(progress->width - width) : 0, "");
  fflush(stderr);
  progress->width = width_of(line);
}

void cli_progress_end(cli_progress *progress) {
  if (progress->shown && progress->width > 0)
    fprintf(stderr, "\r%*s\r", (int)progress->width, "");
  progress->width = 0;
}
