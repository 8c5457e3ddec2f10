"""What make_demo.py cuts from which photograph: outlines and regions, by hand.

Coordinates are pixels of the photograph, x,y.
"""

import dataclasses

Path = tuple[tuple[int, int], ...]


def path(text: str) -> Path:
    """Points of an outline, in pixels of its photograph: `path("1,2 3,4 5,0")`."""
    return tuple(tuple(map(int, point.split(","))) for point in text.split())


@dataclasses.dataclass(frozen=True)
class Cutout:
    """An object of a photograph: its class ("" for none) and its outline.

    `cut` names the sides (l, t, b) where the photograph or the frame cuts the object:
    collages put those against the image border. Grab-cut settles the outline within
    `band` pixels of the path; 0 takes the path as drawn. Collages turn it by `tilt`.
    """

    photograph: str
    name: str
    outline: Path
    cut: str = ""
    band: int = 0
    bottom: int = 9999  # keeps what is above this row
    tilt: tuple[int, int] = (-16, 16)  # degrees


CAT = path(
    "36,60 38,25 52,6 72,3 88,12 110,14 150,5 200,1 250,1 300,7 328,12 350,5 374,1 "
    "384,10 380,30 368,58 356,78 354,105 361,118 360,142 350,168 337,196 318,214 "
    "313,236 306,258 290,275 262,286 225,285 190,279 160,266 130,246 100,226 70,205 "
    "52,175 42,145 36,120 32,90"
)
CAT_AT_TOP = path("36,60 40,0 396,0 380,40") + CAT[16:]
CAT_WITH_NECK = path("36,60 40,0 396,0 380,40") + (
    CAT[16:25] + path("340,262 386,262 380,300 0,300 0,130 28,112 32,90")
)
BUST = path(
    "235,16 262,22 288,40 300,70 300,92 290,115 275,133 265,136 258,150 255,172 "
    "275,185 297,210 304,235 325,248 342,268 352,300 360,335 363,349 340,355 318,372 "
    "300,395 285,425 279,460 281,490 285,512 50,512 30,480 25,455 22,400 20,385 "
    "24,350 33,310 42,280 55,255 75,235 100,215 112,207 113,190 122,178 135,164 "
    "155,152 175,149 183,148 182,140 180,130 174,128 170,115 160,110 155,95 153,75 "
    "160,52 175,42 190,35 205,22"
)
HEAD_IN_COLLAR = (
    BUST[:13]
    + path("298,262 275,285 245,294 215,288 180,272 150,250 130,225 114,203")
    + BUST[37:]
)
SHUTTLE = path(
    "409,2 425,1 433,12 437,35 438,48 443,40 449,48 454,70 455,180 456,235 454,245 "
    "458,262 470,272 470,280 440,285 415,288 390,286 372,280 367,265 373,245 380,230 "
    "354,224 356,205 372,190 378,180 379,120 381,100 386,85 381,75 381,55 387,40 "
    "393,48 397,50 398,30 403,12"
)
FALCON = path(
    "322,126 327,130 332,140 334,150 334,175 335,185 334,240 333,330 332,406 311,406 "
    "311,330 310,240 309,185 311,175 311,150 313,140 317,131"
)
SAUCER = path(
    "183,71 190,60 210,42 240,26 270,19 300,19 335,25 365,38 385,52 397,68 410,66 "
    "423,70 424,80 418,107 430,116 450,142 465,170 477,205 479,230 474,260 462,290 "
    "440,325 410,355 370,376 330,387 290,389 250,384 210,373 175,355 140,328 115,300 "
    "95,270 82,240 77,215 79,190 88,160 105,130 130,102 160,82"
)
CUP = SAUCER[:9] + path(
    "397,66 405,85 408,105 404,130 398,160 388,190 378,215 364,241 330,268 300,284 "
    "275,284 258,282 250,272 243,283 232,298 220,306 204,303 196,292 199,272 208,252 "
    "218,237 200,208 184,172 176,140 173,110 177,88"
)
PHOTOGRAPHER = path(
    "200,64 225,68 245,85 262,100 270,115 270,130 260,138 270,141 320,139 325,150 "
    "318,167 330,174 332,190 322,215 304,232 303,272 290,285 262,306 245,312 225,306 "
    "207,296 190,325 165,355 141,380 149,425 149,512 135,512 115,475 99,448 92,490 "
    "90,512 0,512 0,250 20,230 35,205 50,180 70,150 95,130 130,124 148,108 160,105 "
    "166,95 180,75"
)
PATCH = path(
    "209,386 206,400 198,411 186,419 172,422 158,419 146,411 138,400 "
    "135,386 138,372 146,361 158,353 172,350 186,353 198,361 206,372"
)
HELMET = path(
    "400,344 430,347 460,365 485,400 496,445 505,460 505,512 285,512 278,470 285,425 "
    "300,395 325,365 360,350"
)

PERSON = Cutout("astronaut.png", "person", BUST, cut="b", band=5, tilt=(-4, 4))
FILMING = Cutout("camera.png", "person", PHOTOGRAPHER, cut="lb", band=4, tilt=(-4, 4))
SPACE_SHUTTLE = Cutout("astronaut.png", "rocket", SHUTTLE, band=4)
CUP_AND_SAUCER = Cutout("coffee.png", "cup", SAUCER, band=3)

CUTOUTS = {
    "cat": [
        Cutout("chelsea.png", "cat", CAT),
        Cutout("chelsea.png", "cat", CAT_AT_TOP, cut="t", tilt=(-4, 4)),
    ],
    "person": [
        PERSON,
        dataclasses.replace(PERSON, bottom=345),
        Cutout("astronaut.png", "person", HEAD_IN_COLLAR, band=4),
        FILMING,
        dataclasses.replace(FILMING, bottom=330),
    ],
    "cup": [CUP_AND_SAUCER, Cutout("coffee.png", "cup", CUP, band=3)],
    # Upright, Falcon fills no square window by a fifth, so no window would be a rocket.
    "rocket": [
        SPACE_SHUTTLE,
        Cutout("rocket.jpg", "rocket", FALCON, band=2, tilt=(25, 60)),
    ],
}
# The objects of photographs that are images, or prints, by themselves.
WHOLE = {
    "chelsea.png": [Cutout("chelsea.png", "cat", CAT_WITH_NECK, cut="tlb")],
    "astronaut.png": [PERSON, SPACE_SHUTTLE],
    "coffee.png": [CUP_AND_SAUCER],
    "camera.png": [FILMING],
}
# Things that are in no class, so that a cut edge alone tells nothing.
DISTRACTORS = [
    Cutout("astronaut.png", "", PATCH, band=3),
    Cutout("astronaut.png", "", HELMET, cut="b", band=3, tilt=(-4, 4)),
]
# (photograph, (left, top, right, bottom)) of regions without any object; the two splits
# share no region.
BACKGROUNDS = {
    "train": [
        ("brick.png", (0, 0, 300, 512)),
        ("grass.png", (0, 0, 300, 512)),
        ("coffee.png", (486, 0, 600, 400)),
        ("rocket.jpg", (92, 0, 400, 118)),
        ("rocket.jpg", (0, 0, 185, 427)),
        ("hubble_deep_field.jpg", (0, 0, 480, 872)),
        ("astronaut.png", (0, 0, 92, 190)),
        ("camera.png", (408, 240, 512, 512)),
    ],
    "val": [
        ("gravel.png", (0, 0, 512, 512)),
        ("brick.png", (310, 0, 512, 512)),
        ("grass.png", (310, 0, 512, 512)),
        ("camera.png", (336, 0, 512, 236)),
        ("rocket.jpg", (462, 0, 640, 427)),
        ("hubble_deep_field.jpg", (500, 0, 1000, 872)),
        ("chelsea.png", (378, 60, 451, 300)),
    ],
}
GREY_TEXTURES = {"brick.png", "grass.png", "gravel.png"}
