from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labeling.media.patterns import Pattern, Verdict, judge, media_of, unstorable

FOLDERS = [
    "birds/",
    "birds/2024/",
    "새 사진/가을/",
    '100% of #1/it\'s "best" [raw] (v2)?/',
    " leading and trailing /",
    "dots.and.jpg/",
    "a//b/",
]

names = st.text(
    st.characters(exclude_characters="/*", exclude_categories=["Cs", "Cc"]), min_size=1
).filter(lambda name: not unstorable(name))
folders = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + "/")
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_means_the_files_directly_in_it(folder: str) -> None:
    pattern = Pattern.parse(folder)

    assert pattern.prefix == folder
    assert pattern.matches(folder + "owl.jpg")
    assert not pattern.matches(folder + "more/owl.jpg")
    assert not pattern.matches("elsewhere/" + folder + "owl.jpg")


@pytest.mark.parametrize("folder", FOLDERS)
def test_two_stars_mean_everything_below_a_folder(folder: str) -> None:
    pattern = Pattern.parse(folder + "**")

    assert pattern.prefix == folder
    assert pattern.matches(folder + "owl.jpg")
    assert pattern.matches(folder + "more/and more/owl.jpg")
    assert not pattern.matches(folder.removesuffix("/") + "2/owl.jpg")


def test_everything_in_the_container_includes_names_without_a_dot() -> None:
    pattern = Pattern.parse("**/*.*")

    assert pattern.prefix == ""
    assert all(map(pattern.matches, ["owl.jpg", "a/b/c/owl.jpg", "README", "/odd"]))


def test_a_slash_means_the_files_that_are_in_no_folder() -> None:
    pattern = Pattern.parse("/")

    assert pattern.prefix == ""
    assert pattern.matches("owl.jpg")
    assert not pattern.matches("birds/owl.jpg")


@pytest.mark.parametrize("pattern", ["birds/", "birds/**"])
def test_the_marker_of_a_folder_is_not_in_that_folder(pattern: str) -> None:
    assert not Pattern.parse(pattern).matches("birds/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "birds",
        "birds/*.jpg",
        "birds/*",
        "birds/owl.jpg",
        "**",
        "**/owl.jpg",
        "**/",
        "**/*.jpg",
        "birds/**/",
        "birds/**/*.*",
        "bir*/",
        "bir*/**",
        "birds**",
        "birds/ ",
        "/birds/",
        "/**",
        "//",
    ],
)
def test_any_other_pattern_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"folder/ for.*folder/\*\* for.*\*\*/\*\.\* for"):
        Pattern.parse(text)


def test_names_are_compared_exactly() -> None:
    pattern = Pattern.parse("Birds/**")

    assert not pattern.matches("birds/owl.jpg")


@given(folders, paths)
def test_what_is_directly_in_a_folder_is_also_below_it(folder: str, path: str) -> None:
    assume(not folder.startswith("/"))
    direct, below = Pattern.parse(folder), Pattern.parse(folder + "**")

    for candidate in (path, folder + path):
        assert below.matches(candidate) or not direct.matches(candidate)
        assert Pattern.parse("**/*.*").matches(candidate)


@given(folders, paths, st.sampled_from(["", "**"]))
def test_everything_matched_is_in_the_listing_by_prefix(folder: str, path: str, end: str) -> None:
    pattern = Pattern.parse(folder + end)

    for candidate in (path, folder + path):
        assert candidate.startswith(pattern.prefix) or not pattern.matches(candidate)


@given(st.text())
def test_a_text_is_a_pattern_or_a_value_error(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except ValueError:
        return

    assert pattern.matches(pattern.prefix + "owl.jpg")


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("owl.jpg", "jpeg"),
        ("owl.JPEG", "jpeg"),
        ("owl.jpe", "jpeg"),
        ("a/b.c/owl.JFIF", "jpeg"),
        ("owl.png", "png"),
        ("올빼미 100%.Bmp", "bmp"),
        ("owl.dib", "bmp"),
        ("owl.tif", "tiff"),
        ("owl.tiff", "tiff"),
        ("owl.dcm", "dicom"),
        ("owl.DICOM", "dicom"),
        ("owl.jpg.txt", None),
        ("owl.webp", None),
        ("owl", None),
        ("jpg", None),
        ("owl.", None),
        (".jpg", None),
        ("birds.jpg/owl", None),
        ("birds.jpg/", None),
        ("", None),
    ],
)
def test_the_extension_tells_the_medium(path: str, media: str | None) -> None:
    assert media_of(path) == media


@pytest.mark.parametrize(
    ("path", "size", "verdict"),
    [
        ("birds/owl.jpg", 10, Verdict("jpeg")),
        ("birds/owl.PNG", 10, Verdict("png")),
        ("birds/owl.dib", 10, Verdict("bmp")),
        ("birds/owl.tif", 10, Verdict("tiff")),
        ("birds/owl.dcm", 0, Verdict("dicom")),
        ("birds/owl.txt", 10, Verdict(reason="not_an_image")),
        ("birds/README", 10, Verdict(reason="not_an_image")),
        ("birds/", 0, Verdict(reason="folder")),
        ("birds.jpg/", 0, Verdict(reason="folder")),
    ],
)
def test_a_blob_is_accepted_or_left_out_for_a_reason(
    path: str, size: int, verdict: Verdict
) -> None:
    assert judge(path, size) == verdict


def test_an_empty_image_is_accepted_so_that_somebody_sees_it() -> None:
    assert judge("birds/owl.jpg", 0) == Verdict("jpeg")


def test_a_folder_of_a_hierarchical_namespace_is_a_folder() -> None:
    assert judge("birds.by.year/2024", 0) == Verdict(reason="folder")


@given(paths, st.integers(0, 10))
def test_a_verdict_is_a_medium_or_a_reason(path: str, size: int) -> None:
    verdict = judge(path, size)

    assert bool(verdict.media) != bool(verdict.reason)
