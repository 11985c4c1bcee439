/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A prepared copy: head | about (names, records, labels) | values, in this machine's byte
 * order. A file that differs from that in anything is not there.
 */
#include "data/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/files.h"

/* To be raised when the layout changes, or what readers make of the same input. */
#define LAYOUT 3
#define ORDER 0x01020304u
#define ABOUT_CEILING ((size_t)1 << 30)

static const char magic[8] = "frcache\n";

typedef struct head {
  char magic[8];
  uint32_t layout;
  uint32_t order;
  uint64_t about_size;  /* bytes */
  uint64_t value_count; /* floats */
  uint64_t about_hash;  /* XXH64 */
  uint64_t value_hash;
} head;

typedef struct kept_record {
  uint32_t subject, activity, trial, unused;
  double start_s, span_s;
  uint64_t steps;
  uint64_t at; /* first value, in floats */
} kept_record;

/* The splits that readers name as their default. */
static const char *const splits[] = {"trial", "time:0.7", "random:0.75", "all",
                                     "published"};

/* ---- the name ---- */

static void hash_text(fr__hash *hash, const char *text) {
  fr__hash_add(hash, text, strlen(text) + 1);
}

char *fr__cache_path(const char *directory, const fr__spec *spec) {
  char *const place = realpath(spec->path, NULL);
  fr__files files = {0};
  char *path = NULL;
  if (place == NULL || fr__files_init(&files, place, NULL) != FR_OK)
    goto done;
  fr__hash hash;
  const uint32_t layout = LAYOUT;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, &layout, sizeof layout);
  hash_text(&hash, FR_VERSION);
  hash_text(&hash, spec->kind);
  hash_text(&hash, place);
  for (size_t i = 0; i < spec->count; i++) {
    hash_text(&hash, spec->option[i].key);
    hash_text(&hash, spec->option[i].value);
  }
  for (size_t i = 0; i < files.count; i++) {
    hash_text(&hash, files.at[i].path);
    fr__hash_add(&hash, &files.at[i].size, sizeof files.at[i].size);
    fr__hash_add(&hash, &files.at[i].mtime_ns, sizeof files.at[i].mtime_ns);
  }
  char name[64];
  snprintf(name, sizeof name, "data-%016llx.cache",
           (unsigned long long)fr__hash_value(&hash));
  path = fr__path_join(directory, name);
done:
  fr__files_release(&files);
  free(place);
  return path;
}

/* ---- saving ---- */

static void keep_names(fr__buf *about, const fr_names *names) {
  const uint64_t count = names->count;
  fr__buf_add_bytes(about, &count, sizeof count);
  for (size_t i = 0; i < names->count; i++)
    fr__buf_add_bytes(about, names->name[i], strlen(names->name[i]) + 1);
}

static void keep_about(fr__buf *about, const fr_dataset *data) {
  const uint64_t numbers[] = {data->count, data->digest, data->label != NULL,
                              data->window, data->frames != NULL};
  fr__buf_add_bytes(about, data->split, strlen(data->split) + 1);
  fr__buf_add_bytes(about, &data->rate_hz, sizeof data->rate_hz);
  fr__buf_add_bytes(about, numbers, sizeof numbers);
  if (data->frames != NULL)
    fr__buf_add_bytes(about, data->frames, strlen(data->frames) + 1);
  keep_names(about, &data->channels);
  keep_names(about, &data->subjects);
  keep_names(about, &data->activities);
  keep_names(about, &data->trials);
  keep_names(about, &data->labels);
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    const kept_record kept = {
        r->subject, r->activity, r->trial, 0,
        r->start_s, r->span_s,   r->steps, (uint64_t)(r->values - data->values)};
    fr__buf_add_bytes(about, &kept, sizeof kept);
  }
  if (data->label != NULL)
    fr__buf_add_bytes(about, data->label, data->count * data->labels.count);
}

static uint64_t count_values(const fr_dataset *data) {
  uint64_t steps = 0;
  for (size_t i = 0; i < data->count; i++)
    steps += data->record[i].steps;
  return steps * data->channels.count;
}

static bool write_all(int file, const void *bytes, size_t size) {
  const char *p = bytes;
  while (size > 0) {
    const ssize_t put = write(file, p, size);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return false;
    p += put;
    size -= (size_t)put;
  }
  return true;
}

/* Not synced: after a crash the checksum tells. */
static void write_copy(const char *path, const head *h, const fr__buf *about,
                       const float *values) {
  char *const beside = malloc(strlen(path) + 8);
  if (beside == NULL)
    return;
  sprintf(beside, "%s.XXXXXX", path);
  const int file = mkostemp(beside, O_CLOEXEC);
  if (file >= 0) {
    bool whole = write_all(file, h, sizeof *h) &&
                 write_all(file, about->text, about->length) &&
                 write_all(file, values, h->value_count * sizeof *values);
    whole = close(file) == 0 && whole;
    if (!whole || rename(beside, path) != 0)
      unlink(beside);
  }
  free(beside);
}

void fr__cache_save(const char *path, const fr_dataset *data) {
  char *const directory = strdup(path);
  fr__buf about;
  fr__buf_init(&about, ABOUT_CEILING);
  keep_about(&about, data);
  if (directory != NULL && about.status == FR_OK) {
    directory[fr__path_name(path) - path] = '\0';
    head h = {.layout = LAYOUT, .order = ORDER};
    memcpy(h.magic, magic, sizeof magic);
    h.about_size = about.length;
    h.value_count = count_values(data);
    h.about_hash = fr__hash_bytes(about.text, about.length);
    h.value_hash = fr__hash_bytes(data->values, h.value_count * sizeof *data->values);
    if (directory[0] == '\0' || fr__dir_make(directory, NULL) == FR_OK)
      write_copy(path, &h, &about, data->values);
  }
  fr__buf_release(&about);
  free(directory);
}

/* ---- loading ---- */

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static bool take(cursor *c, void *out, size_t size) {
  if ((size_t)(c->end - c->at) < size)
    return false;
  memcpy(out, c->at, size);
  c->at += size;
  return true;
}

static const char *take_text(cursor *c) {
  const char *const text = c->at;
  const char *const nul = memchr(text, '\0', (size_t)(c->end - text));
  if (nul == NULL)
    return NULL;
  c->at = nul + 1;
  return text;
}

static bool take_names(cursor *c, fr_names *names) {
  uint64_t count = 0;
  if (!take(c, &count, sizeof count))
    return false;
  for (uint64_t i = 0; i < count; i++) {
    const char *const name = take_text(c);
    if (name == NULL || fr__names_add(names, name, strlen(name), NULL, NULL) != FR_OK)
      return false;
  }
  return true;
}

static bool take_split(cursor *c, fr_dataset *data) {
  const char *const name = take_text(c);
  for (size_t i = 0; name != NULL && i < sizeof splits / sizeof *splits; i++)
    if (strcmp(splits[i], name) == 0)
      data->split = splits[i];
  return data->split != NULL;
}

static bool names_fit(const fr_dataset *data, const kept_record *r) {
  return r->subject < data->subjects.count &&
         (r->activity == FR_NONE || r->activity < data->activities.count) &&
         (r->trial == FR_NONE || r->trial < data->trials.count);
}

static bool take_records(cursor *c, fr_dataset *data, uint64_t value_count) {
  const size_t channels = data->channels.count;
  if (channels == 0 || data->count > (size_t)(c->end - c->at) / sizeof(kept_record))
    return false;
  data->record = calloc(data->count + 1, sizeof *data->record);
  for (size_t i = 0; data->record != NULL && i < data->count; i++) {
    kept_record r;
    if (!take(c, &r, sizeof r) || !names_fit(data, &r) || r.at > value_count ||
        r.steps > (value_count - r.at) / channels)
      return false;
    data->record[i] = (fr_record){.subject = r.subject,
                                  .activity = r.activity,
                                  .trial = r.trial,
                                  .start_s = r.start_s,
                                  .span_s = r.span_s,
                                  .steps = r.steps,
                                  .values = data->values + r.at};
  }
  return data->record != NULL;
}

static bool take_labels(cursor *c, fr_dataset *data) {
  size_t size = 0;
  if (__builtin_mul_overflow(data->count, data->labels.count, &size) ||
      size > (size_t)(c->end - c->at))
    return false;
  data->label = malloc(size + 1);
  return data->label != NULL && take(c, data->label, size);
}

static bool take_frames(cursor *c, fr_dataset *data) {
  const char *const text = take_text(c);
  data->frames = text != NULL ? strdup(text) : NULL;
  return data->frames != NULL;
}

static bool take_about(cursor *c, fr_dataset *data, uint64_t value_count) {
  uint64_t numbers[5];
  if (!take_split(c, data) || !take(c, &data->rate_hz, sizeof data->rate_hz) ||
      !take(c, numbers, sizeof numbers))
    return false;
  data->count = numbers[0];
  data->digest = numbers[1];
  data->window = numbers[3];
  if (numbers[4] != 0 && !take_frames(c, data))
    return false;
  return take_names(c, &data->channels) && take_names(c, &data->subjects) &&
         take_names(c, &data->activities) && take_names(c, &data->trials) &&
         take_names(c, &data->labels) && take_records(c, data, value_count) &&
         (numbers[2] == 0 || take_labels(c, data)) && c->at == c->end;
}

static bool read_all(int file, void *bytes, size_t size) {
  char *p = bytes;
  while (size > 0) {
    const ssize_t got = read(file, p, size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    p += got;
    size -= (size_t)got;
  }
  return true;
}

/* The head, where the file is as long as it says. */
static bool read_head(int file, head *h) {
  struct stat about;
  if (fstat(file, &about) != 0 || !read_all(file, h, sizeof *h))
    return false;
  const uint64_t rest = (uint64_t)about.st_size - sizeof *h;
  return memcmp(h->magic, magic, sizeof magic) == 0 && h->layout == LAYOUT &&
         h->order == ORDER && h->about_size <= ABOUT_CEILING && h->about_size <= rest &&
         h->value_count <= rest / sizeof(float) &&
         h->value_count * sizeof(float) == rest - h->about_size;
}

static bool read_copy(int file, fr_dataset *data) {
  head h;
  if (!read_head(file, &h))
    return false;
  const size_t value_size = h.value_count * sizeof *data->values;
  char *const about = malloc(h.about_size + 1);
  data->values = malloc(value_size + 1);
  bool good = about != NULL && data->values != NULL &&
              read_all(file, about, h.about_size) &&
              read_all(file, data->values, value_size) &&
              fr__hash_bytes(about, h.about_size) == h.about_hash &&
              fr__hash_bytes(data->values, value_size) == h.value_hash;
  if (good) {
    cursor c = {about, about + h.about_size};
    good = take_about(&c, data, h.value_count);
  }
  free(about);
  return good;
}

fr_dataset *fr__cache_load(const char *path, const fr__spec *spec,
                           const fr__reader *reader) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return NULL;
  fr_dataset *data = calloc(1, sizeof *data);
  bool good = data != NULL;
  if (good) {
    data->kind = reader->kind;
    data->spec = strdup(spec->whole);
    good = data->spec != NULL && read_copy(file, data);
  }
  close(file);
  if (good)
    return data;
  fr_data_free(data);
  return NULL;
}
