import { describe, expect, it } from "vitest";

import { classAtKey, classKey, classTree, findClasses, parseClasses } from "@/classes";

describe("a text of classes", () => {
  it("is one class a line, tidied", () => {
    expect(parseClasses(" Cat \n\nAnimal / Dog\r\n")).toEqual({
      names: ["Cat", "Animal/Dog"],
      faults: [],
    });
  });

  it("says on which line something is wrong", () => {
    const { names, faults } = parseClasses("Cat\nAnimal/\ncat\na/b/c/d/e/f/g");
    expect(names).toEqual(["Cat"]);
    expect(faults.map(({ line, fault }) => [line, fault])).toEqual([
      [2, "empty_level"],
      [3, "duplicate"],
      [4, "too_deep"],
    ]);
  });

  it("takes Hangul written in parts for the same", () => {
    expect(parseClasses("고양이\n고양이".normalize("NFD")).faults).toHaveLength(1);
  });
});

it("shows groups above their members, whatever the order", () => {
  const tree = classTree(["Animal/Cat", "Car", "Animal/Dog", "Animal"]);
  expect(tree.map(({ path, depth, index }) => [path, depth, index])).toEqual([
    ["Animal", 0, 3],
    ["Animal/Cat", 1, 0],
    ["Animal/Dog", 1, 2],
    ["Car", 0, 1],
  ]);
});

it("gives the first ten classes the keys 1 to 9 and 0", () => {
  expect([0, 8, 9, 10].map(classKey)).toEqual(["1", "9", "0", null]);
  expect(["1", "9", "0"].map(classAtKey)).toEqual([0, 8, 9]);
});

describe("finding a class", () => {
  const names = ["Animal/Cat", "Vehicle/Car", "Scar", "고양이", "강아지"];

  it("puts beginnings of names first", () => {
    expect(findClasses(names, "ca")).toEqual([0, 1, 2]);
    expect(findClasses(names, "animal")).toEqual([0]);
  });

  it("knows initial consonants", () => {
    expect(findClasses(names, "ㄱㅇ")).toEqual([3, 4]);
    expect(findClasses(names, "고양")).toEqual([3]);
  });
});
