/* SPDX-License-Identifier: Apache-2.0 */
/* What grams are like: the poster's table, and more of the same kind. */
#include "frugal/footprint.h"

#include <math.h>

#define GRAMS_PER_POUND                                                                  \
  453.59237 /* exact: International yard and pound agreement, 1959 */
#define LITRES_PER_GALLON 3.785411784 /* exact: 231 cubic inches */
#define KM_PER_MILE 1.609344          /* exact: the same agreement */

#define STRUBELL "Strubell et al. 2019, table 1, doi:10.18653/v1/P19-1355"
#define POUNDS(name, pounds)                                                             \
  { (name), (pounds), (pounds)*GRAMS_PER_POUND, STRUBELL }

static const fr_equivalent equivalents[] = {
    POUNDS("Human life, avg, 1 year", 11023.0),
    POUNDS("American life, avg, 1 year", 36156.0),
    POUNDS("Car, avg incl. fuel, 1 lifetime", 126000.0),
    POUNDS("NLP pipeline (parsing, SRL)", 39.0),
    POUNDS("NLP pipeline with tuning and experiments", 78468.0),
    POUNDS("Transformer (big)", 192.0),
    POUNDS("Transformer (big) with neural architecture search", 626155.0),
};

const fr_equivalent *fr_equivalents(size_t *count) {
  *count = sizeof equivalents / sizeof *equivalents;
  return equivalents;
}

/* ---- and more ---- */

#define EPA_CAR                                                                          \
  "US EPA, Tailpipe Greenhouse Gas Emissions from a Typical Passenger Vehicle, "         \
  "EPA-420-F-23-014 (June 2023)"
#define EPA_CALCULATOR                                                                   \
  "US EPA, Greenhouse Gas Equivalencies Calculator, Calculations and References (2024)"
#define P(pounds) ((pounds)*GRAMS_PER_POUND)

/* In order of grams. */
static const fr_likeness likenesses[] = {
    {"metre in an average passenger car (USA)",
     "metres in an average passenger car (USA)", 0.4 / KM_PER_MILE, false,
     EPA_CAR ": about 400 g a mile"},
    {"smartphone charged", "smartphones charged", 12.4, false, EPA_CALCULATOR},
    {"km in an average passenger car (USA)", "km in an average passenger car (USA)",
     400 / KM_PER_MILE, false, EPA_CAR ": about 400 g a mile"},
    {"litre of petrol burnt", "litres of petrol burnt", 8887 / LITRES_PER_GALLON, false,
     EPA_CAR ": 8,887 g a gallon"},
    {"litre of diesel burnt", "litres of diesel burnt", 10180 / LITRES_PER_GALLON, false,
     EPA_CAR ": 10,180 g a gallon"},
    {"training of an NLP pipeline (parsing, SRL)",
     "trainings of an NLP pipeline (parsing, SRL)", P(39), false, STRUBELL},
    {"tree seedling, what it takes up in ten years of growing",
     "tree seedlings, what they take up in ten years of growing", 60e3, true,
     EPA_CALCULATOR},
    {"training of a Transformer (big)", "trainings of a Transformer (big)", P(192), false,
     STRUBELL},
    {"year of a passenger car (USA)", "years of a passenger car (USA)", 4.6e6, false,
     EPA_CAR},
    {"year of a human life", "years of a human life", P(11023), false, STRUBELL},
    {"year of an American life", "years of an American life", P(36156), false, STRUBELL},
    {"NLP pipeline with tuning and experiments",
     "NLP pipelines with tuning and experiments", P(78468), false, STRUBELL},
    {"lifetime of a car with its fuel", "lifetimes of a car with its fuel", P(126000),
     false, STRUBELL},
    {"Transformer (big) with neural architecture search",
     "Transformers (big) with neural architecture search", P(626155), false, STRUBELL},
};
enum { LIKENESSES = sizeof likenesses / sizeof *likenesses };

const fr_likeness *fr_likenesses(size_t *count) {
  *count = LIKENESSES;
  return likenesses;
}

/* How far from one; what is not 0.01 to 1000 comes last. */
static double distance(double grams, const fr_likeness *l) {
  enum { BEYOND = 1000 };
  const double count = grams / l->grams;
  return fabs(log10(count)) + (count >= 0.01 && count <= 1000 ? 0 : BEYOND);
}

size_t fr_likenesses_near(double grams, const fr_likeness **out, size_t room) {
  size_t filled = 0;
  if (!(grams > 0) || !isfinite(grams))
    return 0;
  for (size_t i = 0; i < LIKENESSES;
       i++) { /* insertion: into place, the last falls out */
    const fr_likeness *one = &likenesses[i];
    size_t at = filled < room ? filled++ : room;
    for (; at > 0 && distance(grams, one) < distance(grams, out[at - 1]); at--)
      if (at < room)
        out[at] = out[at - 1];
    if (at < room)
      out[at] = one;
  }
  return filled;
}
