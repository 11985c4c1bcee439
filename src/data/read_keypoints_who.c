/* SPDX-License-Identifier: Apache-2.0 */
/* Who signs, told by files and folders. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "data/read_keypoints.h"

bool fr__is_mp_data(const char *text, size_t length) {
  return length == 7 && strncasecmp(text, "MP_Data", 7) == 0;
}

/* Where the last component of path[0, end) begins. */
static size_t last_of(const char *path, size_t end) {
  while (end > 0 && path[end - 1] != '/')
    end--;
  return end;
}

/* Folders without those called MP_Data around them. */
static const char *strip(const char *folders, size_t *length) {
  size_t end = *length;
  for (size_t at; end > 0; end = at > 0 ? at - 1 : 0) {
    at = last_of(folders, end);
    if (!fr__is_mp_data(folders + at, end - at))
      break;
  }
  const size_t first = strcspn(folders, "/");
  const size_t skip = first < end && fr__is_mp_data(folders, first) ? first + 1 : 0;
  *length = end - skip;
  return folders + skip;
}

/* `place`, with `name` behind it where there is one; with `alone` the name alone. */
static enum fr_status put(char to[FR__WHO_ROOM], const char *place, const char *name,
                          size_t length, bool alone, fr_error *err) {
  const int n = length == 0 ? snprintf(to, FR__WHO_ROOM, "%s", place)
                : alone     ? snprintf(to, FR__WHO_ROOM, "%.*s", (int)length, name)
                        : snprintf(to, FR__WHO_ROOM, "%s/%.*s", place, (int)length, name);
  if (n > 0 && n < FR__WHO_ROOM)
    return FR_OK;
  return fr__fail(err, FR_ERR_LIMIT, "%s: a signer's name of more than %d bytes", name,
                  FR__WHO_ROOM - 1);
}

/* The path's own name, or the folders below it. */
static enum fr_status put_folder(const fr__gestures *g, const char *name, size_t before,
                                 char to[FR__WHO_ROOM], fr_error *err) {
  const char *const inner = strip(name, &before);
  return put(to, g->place, inner, before, !g->several, err);
}

enum fr_status fr__who_by_folder(const fr__gestures *g, const char *name, size_t before,
                                 fr__who *who, fr_error *err) {
  *who = (fr__who){.signer = "1"};
  if (g->signer != FR__SIGNER_NONE)
    return put_folder(g, name, before, who->signer, err);
  /* One signer of several folders has each sequence several times. */
  return g->several || before > 0 ? put_folder(g, name, before, who->apart, err) : FR_OK;
}

enum fr_status fr__who_by_file(const fr__gestures *g, const char *name, fr__who *who,
                               fr_error *err) {
  const fr_names *const known = &g->builder.data->subjects;
  const size_t stem = strlen(name) - strlen(".npy"); /* or .csv */
  const size_t folders = (size_t)(fr__path_name(name) - name);
  *who = (fr__who){.signer = "1"};
  if (g->signer == FR__SIGNER_USUAL || g->signer == FR__SIGNER_FILE) {
    const bool alone = !g->several || fr__names_find(known, name, stem) == FR_NONE;
    return put(who->signer, g->place, name, stem, alone, err);
  }
  const enum fr_status status = put(who->apart, g->place, name, stem, !g->several, err);
  if (status != FR_OK || g->signer == FR__SIGNER_NONE)
    return status;
  return put_folder(g, name, folders > 0 ? folders - 1 : 0, who->signer, err);
}
