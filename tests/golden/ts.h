/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tests/golden/ts.py. */
static const ts_golden ts_published[] = {
    {"BasicMotions", "BasicMotions_TRAIN", 40, 6, 100, 100, 4, 10, 646.184441, 552681.456,
     "Standing", -0.282318},
    {"BasicMotions", "BasicMotions_TEST", 40, 6, 100, 100, 4, 10, -278.362599, 492377.495,
     "Standing", 0.25302},
    {"GunPoint", "GunPoint_TRAIN", 50, 1, 150, 150, 2, 26, -1.4859e-06, 7450, "2",
     -0.64376789},
    {"GunPoint", "GunPoint_TEST", 150, 1, 150, 150, 2, 76, 1.31665e-06, 22350, "1",
     -1.1443789},
    {"NATOPS", "NATOPS_TRAIN", 180, 24, 51, 51, 6, 30, -86315.9427, 203241.401, "4.0",
     -1.381972},
    {"NATOPS", "NATOPS_TEST", 180, 24, 51, 51, 6, 30, -85581.4988, 204249.071, "4.0",
     -0.804218},
    {"PickupGestureWiimoteZ", "PickupGestureWiimoteZ_TRAIN", 50, 1, 29, 361, 10, 5,
     6394.829, 6499.04139, "1", 1},
    {"PickupGestureWiimoteZ", "PickupGestureWiimoteZ_TEST", 50, 1, 37, 324, 10, 5,
     6279.212, 6386.08334, "1", 0.846},
};
