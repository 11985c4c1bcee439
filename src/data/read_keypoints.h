/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of key points share: one way from each layout of files to records of
 * raw frames. */
#ifndef FR_DATA_READ_KEYPOINTS_H
#define FR_DATA_READ_KEYPOINTS_H

#include "base/npy.h"
#include "data/reader.h"

/* Who is the person of a recording. */
enum fr__signer_rule {
  FR__SIGNER_USUAL, /* by file where files hold many sequences, else by folder */
  FR__SIGNER_FOLDER,
  FR__SIGNER_FILE,
  FR__SIGNER_NONE /* one and the same */
};

/* A text file that says what another file's rows are. */
typedef struct fr__beside {
  char *name; /* relative to the path that is read; owned */
  char *text; /* with a NUL behind it; owned */
  size_t size;
} fr__beside;

/* The frames of a sequence that lie in a file each, as they come. */
typedef struct fr__sequence {
  char *folder;     /* of its files, relative to the path; owned; NULL: none is read */
  bool wanted;      /* its sign is */
  fr_record about;  /* names alone */
  float *frame;     /* (capacity, width), count of them used; owned */
  uint32_t *number; /* (capacity) of each frame, by its name; owned */
  size_t count, capacity;
} fr__sequence;

typedef struct fr__gestures {
  fr__builder builder;
  const char *signs; /* the only ones, a list; NULL: all */
  enum fr__signer_rule signer;
  size_t width;       /* numbers of a frame; 0: none was read yet */
  bool single;        /* records are frames, not sequences */
  size_t trials;      /* of single frames, so far */
  size_t records;     /* of the present path, wanted or not */
  const char *place;  /* the present path's own name */
  bool several;       /* paths are read one after another */
  bool named;         /* the present path is a table: it has to be one */
  fr__beside *beside; /* (besides) of the present path; owned */
  size_t besides;
  fr__sequence open;
} fr__gestures;

#define FR__WHO_ROOM 256

typedef struct fr__who {
  char signer[FR__WHO_ROOM];
  char apart[FR__WHO_ROOM]; /* tells sequences of one signer's files apart; "": nothing */
} fr__who;

/* Whose sign, which, and the how-manyeth. */
typedef struct fr__gesture {
  const fr__who *who;
  const char *sign;
  size_t sign_length;
  const char *sequence;
  size_t sequence_length;
} fr__gesture;

/* Whether that sign is among those asked for. */
bool fr__gestures_want(const fr__gestures *g, const char *sign, size_t length);

/* Frames of file `name` have `width` numbers: the layout of all of them. */
enum fr_status fr__gestures_width(fr__gestures *g, const char *name, size_t width,
                                  fr_error *err);

/* The names of a record; its steps, span and start are the caller's. */
enum fr_status fr__gestures_about(fr__gestures *g, const fr__gesture *what,
                                  fr_record *about, fr_error *err);

/* ---- read_keypoints_who.c ---- */

/* The folder that recorders keep signs in, which names nobody: MP_Data, in any case. */
bool fr__is_mp_data(const char *text, size_t length);

/* Of a file of many sequences: the file, but for signer=dir and none. `name` ends in
 * ".npy" or ".csv". */
enum fr_status fr__who_by_file(const fr__gestures *g, const char *name, fr__who *who,
                               fr_error *err);
/* Of a file of one frame or sequence: the folders in the first `before` bytes of its
 * name, but for signer=none; where there are none, the path's own. */
enum fr_status fr__who_by_folder(const fr__gestures *g, const char *name, size_t before,
                                 fr__who *who, fr_error *err);

/* ---- read_keypoints_beside.c ---- */

/* Keeps the index files below a path, or beside a file that is read alone. */
enum fr_status fr__gestures_look_beside(fr__gestures *g, const char *path, fr_error *err);
void fr__gestures_forget_beside(fr__gestures *g);

/* The one that is called as `name` is but for the end, ".npy" say, in whose place
 * `other` stands; NULL: none. */
const fr__beside *fr__gestures_beside(const fr__gestures *g, const char *name,
                                      const char *end, const char *other);

/* ---- read_keypoints_packed.c: NAME.npy of (sequences, frames, numbers), and
 * NAME.index.csv ---- */

#define FR__INDEX ".index.csv"

bool fr__is_index(const char *name);
/* `name` is "signer-1.npy"; `index` says what its rows are. */
enum fr_status fr__gestures_packed(fr__gestures *g, const char *name, const fr__npy *npy,
                                   const fr__beside *index, fr_error *err);

/* ---- read_keypoints_frames.c: SIGN/SEQUENCE/FRAME.npy and SIGN/SEQUENCE.npy, in any
 * folders ---- */

/* One frame, of the sequence that the frame before is of or of another. */
enum fr_status fr__gestures_frame(fr__gestures *g, const char *name, const fr__npy *npy,
                                  fr_error *err);
/* (frames, numbers): a sequence in one file. */
enum fr_status fr__gestures_sequence(fr__gestures *g, const char *name,
                                     const fr__npy *npy, fr_error *err);
/* The last frame was a sequence's last. */
enum fr_status fr__gestures_end(fr__gestures *g, fr_error *err);
void fr__gestures_release_frames(fr__gestures *g);

/* ---- read_keypoints_shapes.c: a row is the number of a class and 42 numbers ---- */

bool fr__is_label_list(const char *name); /* "..._label.csv": a class's name a row */
enum fr_status fr__gestures_shapes(fr__gestures *g, const char *name, char *text,
                                   size_t size, fr_error *err);

#endif
