/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data: recordings as published -> records -> windows -> split -> normalised samples.
 *
 * A record is one continuous stretch of one person, one trial, one activity; windows are
 * places in records, so that no window can cross a person, a trial or an activity.
 * Nothing here knows networks. Objects are not shared between threads while they change;
 * reading them is safe.
 */
#ifndef FRUGAL_DATA_H
#define FRUGAL_DATA_H

#include "frugal/base.h"

typedef struct fr_record {
  uint32_t subject;  /* into fr_dataset.subjects */
  uint32_t activity; /* into fr_dataset.activities; FR_NONE where it is not told */
  uint32_t trial;    /* into fr_dataset.trials; FR_NONE where there are none */
  double start_s;    /* time of the first step: since 1970 where it is known, else since
                        the start of the recording */
  double span_s;     /* time from the first step's start to the last step's end; what two
                        records share of it, they may share of the signal too */
  size_t steps;
  float *values; /* (steps, channels), rows contiguous; NaN is a missing value */
} fr_record;

typedef struct fr_names {
  size_t count;
  char **name; /* owned */
} fr_names;

typedef struct fr_dataset {
  char *spec;        /* as it was asked for */
  const char *kind;  /* "motionsense"; static storage */
  const char *split; /* the split it uses where none is named: "trial"; static storage */
  double rate_hz;    /* of the steps; 0: every record is one feature vector */
  size_t window;     /* steps of a window where the user names none; 0: the usual 128 */
  char *frames; /* what made these numbers of a camera's frames, for fr_keypoints_new;
                   owned; NULL: they are as they were recorded */
  fr_names channels;
  fr_names subjects;
  fr_names activities;
  fr_names trials;
  fr_names labels; /* of `label`, beside the activity */
  size_t count;
  fr_record *record; /* (count) */
  int8_t *label;     /* (count, labels.count): 0, 1, or -1 unknown; NULL without labels */
  float *values;     /* owner of what the records point to; (total steps, channels) */
  uint64_t digest;   /* XXH64 over the parsed values and who, what, when of each record */
} fr_dataset;

/* The activity of a stretch in which nobody signs: a class like the others. */
#define FR_NO_SIGN "no sign"

typedef struct fr_data_options {
  const char *cache; /* directory of prepared copies; NULL: none is read or written */
  /* Called now and then with what is done of the input, 0 to 1; may be NULL. */
  void (*progress)(void *self, double done);
  void *self;
  /* A part of reading begins ("features"), or ends (NULL); may be NULL. */
  void (*phase)(void *self, const char *name);
} fr_data_options;

/*
 * Reads what `spec` names: KIND:PATH[?key=value&...].
 *   motionsense:PATH     the published zip or the unpacked folder. Keys:
 *                        activities=dws,ups,wlk,jog subjects=1-12,14
 *                        channels=rotation,acceleration,attitude,gravity or
 *                        frame=gravity|pocket|body|motion (see fr_dataset_gravity_frame)
 *                        rate=Hz
 *                        features=extrasensory (20 s windows, step 1 s: see
 *                        fr_dataset_features) features_step=seconds
 *   extrasensory:PATH    folder or zip of .features_labels.csv[.gz]. Keys: pocket=1
 *                        (minutes with the phone in a pocket) min=200 (people with at
 *                        least so many such minutes; 200 with pocket=1, else 0)
 *                        features=motion (accelerometer and gyroscope: 52 columns; the
 *                        default) or all (225) subjects=ID,...
 *   csv:PATH             any CSV file. Keys: label=COLUMN subject=COLUMN trial=COLUMN
 *                        time=COLUMN (seconds) rate=Hz channels=COLUMN,... (all that have
 *                        no other use) header=no (the first row is data; columns are
 *                        called 1, 2, ...). Rows that follow each other with one subject,
 *                        trial and label are a record, which also ends where time goes
 *                        back or leaps by more than four steps; without time= and rate=
 *                        each row is a feature vector.
 *   ts:PATH[,PATH]       the UEA and UCR archives' text format: a file, a folder, a zip,
 *                        or DIR/NAME for NAME_TRAIN.ts and NAME_TEST.ts. Keys: rate=Hz
 *                        (1: the format tells none). A case is a record, a file a
 *                        subject, a case's number in its class a trial, the longest case
 *                        a window.
 *   keypoints:PATH,...   MediaPipe's key points: NAME.npy of (sequences, frames, 42, 63,
 *                        126, 258 or 1662) beside NAME.index.csv (columns row, action,
 *                        sequence), SIGN/SEQUENCE/FRAME.npy, SIGN/SEQUENCE.npy or a CSV
 *                        of single hands, alone or in folders and zips. Keys:
 *                        signs=NAME,... signer=file|dir|none rate=30 window=STEPS (else
 *                        as most sequences) features=points|raw no_sign=SHARE (as many
 *                        records of FR_NO_SIGN as of a sign, times it) shifted=N (as
 *                        many records of each sign, early or late) seed=1, and those of
 *                        fr_keypoints_new (frugal/keypoints.h)
 *   synthetic:           walkers from a gait model. Keys: subjects=8 trials=6 seconds=30
 *                        seed=1 activities=wlk,jog,... rate=Hz frame=gravity
 *                        features=extrasensory
 *                        With signs=K: hands that sign (126 key points at 30 Hz). Keys:
 *                        subjects=3 trials=10 seconds=1 seed=1 activities=sign1,...
 *                        features=points|raw no_sign=SHARE shifted=N and those of
 *                        fr_keypoints_new
 * Several specs with " + " between them are one data set (fr_dataset_union). An unknown
 * kind or key is FR_ERR_ARGUMENT and the sentence lists the known ones.
 */
enum fr_status fr_data_open(const char *spec, const fr_data_options *options,
                            fr_dataset **out, fr_error *err);
void fr_data_free(fr_dataset *data);

/* The task where none is named: "gesture" of key points, else "subject"; of NULL too. */
const char *fr_data_task(const char *spec);

/*
 * The records of both, people, activities and trials being the same where their names
 * are; what both have, to the last value, is there once. `kind`, `split` and `window` are
 * the first's. FR_ERR_ARGUMENT where channels, rates, features or labels differ. *out is
 * the caller's.
 */
enum fr_status fr_dataset_union(const fr_dataset *a, const fr_dataset *b,
                                fr_dataset **out, fr_error *err);
/* A spec that reads both: of one path that is otherwise told alike, with the activities
 * or signs of both; else "A + B". *out is the caller's (free). */
enum fr_status fr_data_spec_union(const char *a, const char *b, char **out,
                                  fr_error *err);

/* All of `data` anew: what is normalised in place is a copy. The copy is the caller's. */
enum fr_status fr_dataset_copy(const fr_dataset *data, fr_dataset **out, fr_error *err);

/*
 * ExtraSensory's 26 accelerometer and 26 gyroscope features (Vaizman et al. 2017, IEEE
 * Pervasive Computing 16(4)) of `length_s` windows every `step_s` of `series`, whose
 * channels must include gravity and userAcceleration (g) and rotationRate (rad/s).
 * Windows stay inside a record. The result has rate_hz 0 and one record a window; it
 * shares nothing with `series`.
 */
enum fr_status fr_dataset_features(const fr_dataset *series, double length_s,
                                   double step_s, fr_dataset **out, fr_error *err);

/*
 * Acceleration and rotation rate as they are whichever way the phone lies: the part along
 * gravity and the length of the part across it, four channels (vertical, horizontal of
 * each). With gravity g: v = a·g / |g|, h = √(|a|² − v²), after Mizell 2003 (Using
 * gravity to estimate accelerometer orientation, ISWC). Needs the channels that
 * fr_dataset_features needs; shares nothing with `series`.
 */
enum fr_status fr_dataset_gravity_frame(const fr_dataset *series, fr_dataset **out,
                                        fr_error *err);

/*
 * The same four and how upright the phone's long axis stands, |g.y| / |g|: a phone turned
 * about that axis or put in upside down, which is how one gets into a pocket, changes
 * nothing; whether its owner sits or stands does.
 */
enum fr_status fr_dataset_pocket_frame(const fr_dataset *series, fr_dataset **out,
                                       fr_error *err);

/*
 * The four of the gravity frame, and how acceleration a and rotation rate w lie to each
 * other across gravity g: the root, with the sign, of a·w across it, and the cubic root
 * of g·(a × w) / |g|.
 */
enum fr_status fr_dataset_body_frame(const fr_dataset *series, fr_dataset **out,
                                     fr_error *err);

/*
 * Acceleration a and rotation rate w alone, without gravity: eleven products of them and
 * their changes da, dw (from the step before to the step behind) that no rotation of the
 * phone alters. Lengths |a|, |w|, |da|, |dw|; roots, with the sign, of a·w, a·da, w·dw,
 * a·dw and w·da; cubic roots of a·(w × dw) and w·(a × da).
 */
enum fr_status fr_dataset_motion_frame(const fr_dataset *series, fr_dataset **out,
                                       fr_error *err);

/*
 * A copy of `series` resampled to `rate_hz` by a windowed sinc, which is low-pass where
 * the rate falls. Channels "attitude.*" are angles that wrap around, key points are zero
 * where they were not found: they take the nearest step. FR_ERR_ARGUMENT for feature
 * vectors and for features of frames.
 */
enum fr_status fr_dataset_resample(const fr_dataset *series, double rate_hz,
                                   fr_dataset **out, fr_error *err);

/* ---- windows ---- */

typedef struct fr_window {
  uint32_t record;
  uint32_t start; /* step of the record */
} fr_window;

typedef struct fr_windows {
  const fr_dataset *data; /* borrowed: must outlive the windows */
  size_t length;          /* steps of each window */
  size_t step;            /* steps from one to the next */
  size_t shortest;        /* steps of a record that is kept as one shorter window; 0: a
                             record shorter than `length` is dropped */
  size_t count;
  fr_window *at; /* (count), ordered by record, then start */
} fr_windows;

/* Every window of `length` steps, `step` apart, that fits into a record. Feature vectors
 * have length 1 and step 1 whatever is asked for. FR_ERR_NOT_FOUND where nothing fits. */
enum fr_status fr_windows_init(fr_windows *windows, const fr_dataset *data, size_t length,
                               size_t step, fr_error *err);
/* The same, and each record shorter than `length`, but not than `shortest`, as one window
 * of its own length. */
#define FR_WINDOW_SHORTEST 8 /* steps: less tells one motion hardly from another */
enum fr_status fr_windows_init_short(fr_windows *windows, const fr_dataset *data,
                                     size_t length, size_t step, size_t shortest,
                                     fr_error *err);
void fr_windows_release(fr_windows *windows);

/* Steps of window i: `length`, or those of its record. */
size_t fr_window_steps(const fr_windows *windows, size_t i);
/* (fr_window_steps, channels) of window i, inside its record. */
const float *fr_window_values(const fr_windows *windows, size_t i);

/* ---- split ---- */

enum fr_side { FR_SIDE_NONE, FR_SIDE_TRAIN, FR_SIDE_VALIDATE, FR_SIDE_TEST };

typedef struct fr_split {
  uint8_t *side;   /* (windows.count) enum fr_side; NONE: left out, such as a window that
                      overlaps one of another side */
  size_t count[4]; /* windows per side */
  bool leaky;      /* random windows: neighbours of a test window are trained on */
} fr_split;

/*
 * `split`: trial (long trials train, short ones test: MotionSense 1-9 and 11-16;
 * elsewhere the last third of each person's and activity's trials tests),
 * subject:ID,ID-ID (those test), subject:loo and kfold:K (by person; `fold` says which),
 * folds:DIR (those test who stand in DIR/fold_N_test_*_uuids.txt, ExtraSensory's lists, N
 * = `fold`), blocks:K (each person's and activity's trials, in order, cut into K runs;
 * run `fold` tests), time:0.7 (the first 70 % of each person's time trains; of each
 * person's and activity's where there are trials, which have no common clock),
 * random:0.75, published (ts: files NAME_TEST test), all (everything tests). NULL: the
 * data's own. `validate`, taken from the training side only: a share such as 0.1 (the
 * last tenth of the training time in the same sense), trial (the last training trial of
 * each person and activity; its last tenth, where there is only one), blocks (of blocks:K
 * the run behind the one that tests, behind the last the first), subject:IDS, none or
 * NULL. Windows of different sides never share signal, except under random, which is
 * leaky and says so. FR_ERR_NOT_FOUND where a side that is asked for stays empty.
 */
enum fr_status fr_split_init(fr_split *split, const fr_windows *windows, const char *how,
                             const char *validate, size_t fold, uint64_t seed,
                             fr_error *err);
void fr_split_release(fr_split *split);

/* Whether there is such a split, and such a validation, before there are data (NULL: is
 * not asked): FR_ERR_ARGUMENT with a sentence that names all where there is none. What
 * follows a colon is for fr_split_init. */
enum fr_status fr_split_check(const char *how, const char *validate, fr_error *err);
/* How many folds `how` has on these windows: K (kfold, blocks), the number of people or
 * of lists, else 1. */
enum fr_status fr_split_folds(const fr_windows *windows, const char *how, size_t *folds,
                              fr_error *err);

/* ---- normaliser ---- */

/* What is done to each channel; statistics are the training side's but for the window. */
enum fr_normalize {
  FR_NORMALIZE_ZSCORE, /* mean 0, deviation 1 */
  FR_NORMALIZE_MINMAX, /* the training side's range becomes -1 to 1; what lies outside it
                          stays outside */
  FR_NORMALIZE_ROBUST, /* median 0, distance of the quartiles 1 */
  FR_NORMALIZE_WINDOW, /* each window by its own mean and deviation: sequences only */
  FR_NORMALIZE_NONE    /* as it is */
};
#define FR_NORMALIZE_METHODS 5

/* "zscore", "minmax", "robust", "window", "none". */
bool fr_normalize_parse(const char *name, enum fr_normalize *out);
const char *fr_normalize_name(enum fr_normalize how);

/*
 * x' = (x - shift) * scale per channel; a missing value becomes 0, the training side's
 * centre. window: x' = (x - m) * min(1 / d, scale), m and d of the window's own steps.
 * none: x' = x, a missing value becomes shift.
 */
typedef struct fr_normalizer {
  size_t channels;
  float *shift; /* (channels) mean, middle of the range, or median; window: 0; none: mean;
                   owned */
  float *scale; /* (channels) 1 / deviation, 2 / range, or 1 / distance of the quartiles,
                   and 1 where that is 0; window: the most that a still window is
                   multiplied by; none: 1; always 0 where training never saw the channel,
                   which then is 0 throughout; owned */
  enum fr_normalize how;
} fr_normalizer;

/* From the steps that training windows cover; each step counts once. */
enum fr_status fr_normalizer_fit(fr_normalizer *normalizer, enum fr_normalize how,
                                 const fr_windows *windows, const fr_split *split,
                                 fr_error *err);
void fr_normalizer_release(fr_normalizer *normalizer);
void fr_normalizer_apply(const fr_normalizer *normalizer,
                         float *values, /* (rows, channels); by window: of one window */
                         size_t rows);
/* Every record of `data`, in place; FR_ERR_ARGUMENT by window: fr_samples_normalize. */
enum fr_status fr_normalizer_apply_all(const fr_normalizer *normalizer, fr_dataset *data,
                                       fr_error *err);

/* ---- samples: what a network is trained and tested on ---- */

enum fr_task {
  FR_TASK_SUBJECT,
  FR_TASK_ACTIVITY,
  FR_TASK_LABELS, /* a yes or no for each of fr_dataset.labels that is known */
  FR_TASK_GESTURE /* the activities of sign and gesture data */
};

typedef struct fr_samples {
  size_t count;
  size_t steps;    /* T; 1 for feature vectors */
  size_t channels; /* C */
  const float **x; /* (count) pointers to (T, C), borrowed from the dataset or `padded` */
  float *padded;   /* copies of short windows, zeros behind their steps, or of all where
                      each   is normalised by itself; owned; NULL: none */
  uint32_t *label; /* (count) into `classes`; NULL where `value` tells */
  size_t values;   /* K: columns of `value` */
  float *value;    /* (count, K) 0, 1 or NaN where it is not known; NULL where `label`
                      tells; owned */
  uint32_t *window; /* (count) into the windows they were made of; owned; NULL: not told
                     */
  uint32_t *length; /* (count) steps that each sample has, zeros behind them; NULL: all
                       have `steps`; owned */
} fr_samples;

/* The names that occur under `task` on the training side (where there is none: anywhere),
 * in natural order ("2" before "10"); of labels those that occur there as yes and as no,
 * since nothing can be learned of the others. */
enum fr_status fr_classes_init(fr_names *classes, const fr_windows *windows,
                               const fr_split *split, enum fr_task task, fr_error *err);
void fr_names_release(fr_names *names);

/* The windows of one side whose name under `task` is in `classes`, or (labels) of which a
 * label in `classes` is known; others are left out and counted in *unknown (may be NULL).
 * Short windows are copied as they are now: normalise the data first. */
enum fr_status fr_samples_init(fr_samples *samples, const fr_windows *windows,
                               const fr_split *split, enum fr_side side,
                               enum fr_task task, const fr_names *classes,
                               size_t *unknown, fr_error *err);
/* Copies each sample and normalises it by itself, its own steps alone: what the method
 * "window" asks for. FR_ERR_LIMIT where the copies pass FR_SAMPLES_CEILING. */
#define FR_SAMPLES_CEILING ((size_t)4 << 30) /* bytes */
enum fr_status fr_samples_normalize(fr_samples *samples, const fr_normalizer *normalizer,
                                    fr_error *err);
void fr_samples_release(fr_samples *samples);

bool fr_task_parse(const char *name, enum fr_task *out);
const char *fr_task_name(enum fr_task task);

/* ---- augmentation: of normalised training samples, while they are trained on ---- */

/* What is done to a sample; docs/data.md has each one's arguments, units and source. */
enum fr_augment_kind {
  FR_AUGMENT_JITTER,      /* (D) noise on every value */
  FR_AUGMENT_SCALE,       /* (D) one factor a sample */
  FR_AUGMENT_ROTATE,      /* (DEGREES) every physical vector, alike */
  FR_AUGMENT_PERMUTE,     /* (SEGMENTS) equal stretches of time in another order */
  FR_AUGMENT_TIMEWARP,    /* (D[,KNOTS]) time runs faster here, slower there */
  FR_AUGMENT_MAGWARP,     /* (D[,KNOTS]) a smooth factor over time for each channel */
  FR_AUGMENT_CROP,        /* (SHARE) a part, stretched to the whole length */
  FR_AUGMENT_DROPCHANNEL, /* (P) vectors or channels are missing */
  FR_AUGMENT_MIXUP,       /* (ALPHA) with another sample, targets too */
  FR_AUGMENT_MIRROR,      /* (P[,AXIS]) key points: left for right */
  FR_AUGMENT_AFFINE,   /* (DEGREES[,SCALE[,SHIFT]]) key points, in the picture's plane */
  FR_AUGMENT_RESAMPLE, /* (D) key points: all of it slower or faster */
  FR_AUGMENT_DROPHAND  /* (P) key points: a hand is missing for a while */
};
#define FR_AUGMENT_KINDS 13
#define FR_AUGMENT_ITEMS 16    /* at most, one behind the other */
#define FR_AUGMENT_ARGUMENTS 3 /* of one item, at most */

typedef struct fr_augment_item {
  enum fr_augment_kind kind;
  float value[FR_AUGMENT_ARGUMENTS]; /* usual ones where they were left out */
} fr_augment_item;

/* What channels mean and what the normaliser did to them. */
typedef struct fr_augment_layout fr_augment_layout;

/* Nothing needs to be released before fr_augment_bind; copies share the layout. */
typedef struct fr_augment {
  size_t count;                           /* 0: nothing is changed */
  fr_augment_item item[FR_AUGMENT_ITEMS]; /* in the order in which they are done */
  fr_augment_layout *layout;              /* owned; NULL: not bound */
} fr_augment;

/* "rotate(180) jitter(0.05) mixup(0.2)", done in this order; "" is none. At most one
 * mixup, and FR_AUGMENT_ITEMS in all. */
enum fr_status fr_augment_parse(const char *text, fr_augment *out, fr_error *err);

/* The same text again, with all arguments; cut at `size`. */
void fr_augment_describe(const fr_augment *augment, char *text, size_t size);

/* Whether an item needs fr_augment_bind before samples are changed: those that act on
 * physical vectors or key points. */
bool fr_augment_needs_bind(const fr_augment *augment);

/*
 * Finds vectors (NAME.x, NAME.y, NAME.z, or with '_') and key points (PART.NUMBER.x, ...;
 * docs/data.md) among the channels, and what the normaliser made of them, so that a
 * rotation turns the physical vector. Call it once after parsing, for any items; nothing
 * is kept of the arguments. FR_ERR_ARGUMENT, with the reason, where an item cannot be
 * done to such samples.
 */
enum fr_status fr_augment_bind(fr_augment *augment, const fr_names *channels,
                               const fr_normalizer *normalizer, fr_error *err);
void fr_augment_release(fr_augment *augment);

/* Floats of work area that changing one sample takes. */
size_t fr_augment_room(const fr_augment *augment, size_t steps, size_t channels);

/* Changes x (steps, channels) but for the mixup, which takes another sample: fr_train
 * does it. Depends on seed, epoch and the sample's number alone. `work`: fr_augment_room
 * floats, of this call alone. */
void fr_augment_apply(const fr_augment *augment, uint64_t seed, uint64_t epoch,
                      size_t sample, float *x, size_t steps, size_t channels,
                      float *work);

/* ---- fetch ---- */

typedef struct fr_data_facts {
  size_t files;
  size_t rows;
  size_t subjects;
  size_t records, activities;
  size_t window;  /* of the data set; 0: it has none of its own */
  size_t shorter; /* records that are shorter than it: dropped unless they are kept */
  uint64_t digest;
} fr_data_facts;

/* What a data set at `spec` consists of, for comparison with what its publisher says. */
enum fr_status fr_data_check(const char *spec, fr_data_facts *facts, fr_error *err);

/*
 * Fetches a published data set, "motionsense" or "extrasensory", into `directory`/`name`:
 * a download that was cut off is resumed, a file that is there is only checked. Number of
 * files, rows and people and the digest are compared with what is known; an unknown
 * digest is recorded beside the file (FILE.digest) and compared the next time. What is
 * found is in *facts. The addresses are replaced by $FRUGAL_MOTIONSENSE_URL and
 * $FRUGAL_EXTRASENSORY_URL. `progress` and `facts` may be NULL.
 */
enum fr_status fr_data_fetch(const char *name, const char *directory,
                             void (*progress)(void *self, double done), void *self,
                             fr_data_facts *facts, fr_error *err);

#endif
