/* SPDX-License-Identifier: Apache-2.0 */
#include "data/download.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/curl.h"
#include "base/error.h"

typedef struct transfer {
  const char *url;
  FILE *file;
  uint64_t had; /* bytes of `file` before */
  uint64_t got; /* bytes now */
  uint64_t ceiling;
  bool too_large;
  void (*progress)(void *self, double done);
  void *self;
  char text[CURL_ERROR_SIZE];
} transfer;

static size_t take_body(char *bytes, size_t size, size_t count, void *self) {
  transfer *const t = self;
  const size_t length = size * count;
  if (t->had + t->got + length > t->ceiling) {
    t->too_large = true;
    return 0;
  }
  t->got += length;
  return fwrite(bytes, 1, length, t->file);
}

static int tell(void *self, curl_off_t total, curl_off_t done, curl_off_t up_total,
                curl_off_t up_done) {
  transfer *const t = self;
  (void)up_total;
  (void)up_done;
  if (total > 0 && t->progress != NULL)
    t->progress(t->self,
                ((double)t->had + (double)done) / ((double)t->had + (double)total));
  return 0;
}

static CURLcode perform(const fr__curl *lib, CURL *curl, transfer *t) {
  const CURLcode usual = fr__curl_usual(lib, curl, t->url);
  lib->easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  lib->easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  lib->easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  lib->easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
  lib->easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L); /* a minute of silence ends it */
  lib->easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
  lib->easy_setopt(curl, CURLOPT_ERRORBUFFER, t->text);
  lib->easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  lib->easy_setopt(curl, CURLOPT_WRITEDATA, t);
  lib->easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, tell);
  lib->easy_setopt(curl, CURLOPT_XFERINFODATA, t);
  lib->easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  lib->easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->had);
  return usual == CURLE_OK ? lib->easy_perform(curl) : usual;
}

static enum fr_status say(const fr__curl *lib, const transfer *t, CURLcode code,
                          fr_error *err) {
  if (t->too_large)
    return fr__fail(err, FR_ERR_LIMIT, "'%s': more than %llu bytes", t->url,
                    (unsigned long long)t->ceiling);
  return fr__fail(err, FR_ERR_IO, "'%s': %s", t->url,
                  t->text[0] != '\0' ? t->text : lib->easy_strerror(code));
}

/* A server that cannot resume starts anew; one that has no more says 416. */
static enum fr_status get(const fr__curl *lib, CURL *curl, transfer *t, fr_error *err) {
  long response = 0;
  CURLcode code = perform(lib, curl, t);
  lib->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response);
  if (t->had > 0 && response == 416)
    return FR_OK;
  if (code == CURLE_RANGE_ERROR && t->had > 0) {
    if (fflush(t->file) != 0 || ftruncate(fileno(t->file), 0) != 0)
      return fr__fail_errno(err, errno, "'%s'", t->url);
    rewind(t->file);
    t->had = t->got = 0;
    code = perform(lib, curl, t);
  }
  return code == CURLE_OK ? FR_OK : say(lib, t, code, err);
}

static bool is_web(const char *url) {
  return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

enum fr_status fr__download(const char *url, const char *path, uint64_t ceiling,
                            void (*progress)(void *self, double done), void *self,
                            fr_error *err) {
  if (!is_web(url))
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is neither http nor https", url);
  fr__curl lib;
  enum fr_status status = fr__curl_load(&lib, err);
  if (status != FR_OK)
    return status;
  transfer t = {.url = url, .ceiling = ceiling, .progress = progress, .self = self};
  struct stat about;
  if (stat(path, &about) == 0)
    t.had = (uint64_t)about.st_size;
  t.file = fopen(path, "abe");
  if (t.file == NULL)
    return fr__fail_errno(err, errno, "'%s'", path);
  CURL *const curl = lib.easy_init();
  status = curl != NULL ? get(&lib, curl, &t, err) : fr__fail_memory(err, "a transfer");
  lib.easy_cleanup(curl);
  if (fclose(t.file) != 0 && status == FR_OK)
    status = fr__fail_errno(err, errno, "'%s'", path);
  return status;
}
