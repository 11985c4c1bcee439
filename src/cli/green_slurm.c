/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/green_slurm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/* ---- the script ---- */

void cli_slurm_quote(fr__buf *text, const char *word) {
  fr__buf_add(text, "'");
  for (const char *p = word; *p != '\0'; p++)
    if (*p == '\'')
      fr__buf_add(text, "'\\''");
    else
      fr__buf_add_bytes(text, p, 1);
  fr__buf_add(text, "'");
}

static void add_command(const cli_slurm_job *job, fr__buf *text) {
  if (job->stop_after_s > 0) /* of GNU coreutils; 124 is its code for a piece */
    fr__buf_printf(text, "timeout --signal=TERM %lld ", (long long)job->stop_after_s);
  for (size_t i = 0; job->command[i] != NULL; i++) {
    if (i > 0)
      fr__buf_add(text, " ");
    cli_slurm_quote(text, job->command[i]);
  }
}

/* sbatch looks for its own lines up to the first that is no comment: `command`, whatever
 * newlines and "#SBATCH" the words hold, is behind that. */
void cli_slurm_script(const cli_slurm_job *job, fr__buf *text) {
  fr__buf_add(text, "#!/bin/sh\n# of frugal run --slurm\n");
  if (job->finally == NULL && job->done == NULL) {
    fr__buf_add(text, "exec ");
    add_command(job, text);
    fr__buf_add(text, "\n");
    return;
  }
  const char *done = job->done != NULL ? job->done : "/dev/null/none";
  fr__buf_add(text, "code=0\ndone=");
  cli_slurm_quote(text, done);
  fr__buf_add(text, "\n[ -e \"$done\" ] || ");
  add_command(job, text);
  fr__buf_add(text, " || code=$?\n");
  if (job->stop_after_s > 0) /* the pieces behind it have nothing to do, or go on */
    fr__buf_add(text, "[ $code = 0 ] && : >\"$done\"\n"
                      "[ $code = 124 ] && code=0\n");
  if (job->finally != NULL)
    fr__buf_printf(text, "[ $code = 0 ] && %s\n", job->finally);
  fr__buf_add(text, "exit $code\n");
}

void cli_slurm_begin(int64_t begin_s, int64_t now_s, char text[CLI_SLURM_TIME]) {
  const time_t begin = (time_t)begin_s;
  struct tm local, again;
  if (begin_s <= now_s) {
    (void)snprintf(text, CLI_SLURM_TIME, "now");
    return;
  }
  const bool known = localtime_r(&begin, &local) != NULL;
  again = local;
  again.tm_isdst = -1; /* as sbatch reads it */
  if (!known || mktime(&again) != begin ||
      strftime(text, CLI_SLURM_TIME, "%Y-%m-%dT%H:%M:%S", &local) == 0)
    (void)snprintf(text, CLI_SLURM_TIME, "now+%lld", (long long)(begin_s - now_s));
}

/* ---- sbatch ---- */

enum { OURS = 16 };

static void put(fr__buf *all, size_t *at, const char *format, const char *value) {
  *at = all->length;
  fr__buf_printf(all, format, value);
  fr__buf_add_bytes(all, "", 1);
}

/* Words of sbatch: ours first, so that the user's replace them. */
static char **words_of(const cli_slurm_job *job, fr__buf *texts) {
  char begin[CLI_SLURM_TIME], limit[32];
  size_t at[OURS], count = 0;
  cli_slurm_begin(job->begin_s, job->now_s, begin);
  (void)snprintf(limit, sizeof limit, "%lld", (long long)((job->limit_s + 59) / 60));
  put(texts, &at[count++], "%s", "sbatch");
  put(texts, &at[count++], "--%s", "parsable");
  put(texts, &at[count++], "--job-name=%.64s", job->name);
  put(texts, &at[count++], "--begin=%s", begin);
  put(texts, &at[count++], "--time=%s", limit);
  if (job->requeue)
    put(texts, &at[count++], "--%s", "requeue");
  if (job->requeue)
    put(texts, &at[count++], "--%s", "open-mode=append");
  if (job->after != NULL)
    put(texts, &at[count++], "--dependency=afterany:%s", job->after);
  char **words = calloc(count + job->options + 1, sizeof *words);
  if (words == NULL || texts->status != FR_OK) {
    free(words);
    return NULL;
  }
  for (size_t i = 0; i < count; i++)
    words[i] = texts->text + at[i];
  for (size_t i = 0; i < job->options; i++)
    words[count + i] = (char *)(uintptr_t)job->option[i];
  return words;
}

/* An unnamed file, so that neither side ever waits for the other. */
static int paper(const char *text) {
  const int fd = memfd_create("frugal-run", MFD_CLOEXEC);
  size_t left = strlen(text);
  while (fd >= 0 && left > 0) {
    const ssize_t written = write(fd, text, left);
    if (written <= 0) {
      close(fd);
      return -1;
    }
    text += written;
    left -= (size_t)written;
  }
  if (fd >= 0)
    (void)lseek(fd, 0, SEEK_SET);
  return fd;
}

static enum fr_status run_sbatch(char **words, int in, int out, fr_error *err) {
  int status = 0;
  fflush(NULL);
  const pid_t pid = fork();
  if (pid == 0) {
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
      execvp(words[0], words);
    _exit(errno == ENOENT ? 127 : 126);
  }
  if (pid < 0)
    return fr__fail_errno(err, errno, "sbatch cannot be started");
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return FR_OK;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "there is no sbatch in PATH: --slurm is for a machine of a Slurm "
                    "cluster");
  return fr__fail(err, FR_ERR_IO, "sbatch did not take the job (exit code %d)",
                  WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* "1234" or "1234;cluster" of --parsable. */
static enum fr_status read_id(int out, char id[64], fr_error *err) {
  char text[256];
  const ssize_t got = pread(out, text, sizeof text - 1, 0);
  text[got > 0 ? got : 0] = '\0';
  const size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 20 || strchr(";\n", text[digits]) == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "sbatch took the job, but told no id of it");
  (void)snprintf(id, 64, "%.*s", (int)digits, text);
  return FR_OK;
}

enum fr_status cli_slurm_submit(const cli_slurm_job *job, char id[64], fr_error *err) {
  fr__buf script, texts;
  fr__buf_init(&script, 0);
  fr__buf_init(&texts, 0);
  cli_slurm_script(job, &script);
  char **words = words_of(job, &texts);
  const int in = script.status == FR_OK ? paper(fr__buf_text(&script)) : -1;
  const int out = memfd_create("frugal-run", MFD_CLOEXEC);
  enum fr_status status = FR_OK;
  if (words == NULL || in < 0 || out < 0)
    status = fr__fail_memory(err, "a job's script");
  if (status == FR_OK)
    status = run_sbatch(words, in, out, err);
  if (status == FR_OK)
    status = read_id(out, id, err);
  if (in >= 0)
    close(in);
  if (out >= 0)
    close(out);
  free(words);
  fr__buf_release(&texts);
  fr__buf_release(&script);
  return status;
}
