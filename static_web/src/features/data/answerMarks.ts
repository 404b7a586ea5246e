/** How the answers of several people are told apart, by their place: Okabe and Ito's colours, and dashes. */
const MARKS = [
  { color: "#56b4e9", dash: "none" },
  { color: "#e69f00", dash: "8 4" },
  { color: "#cc79a7", dash: "2 3" },
  { color: "#f0e442", dash: "12 3 2 3" },
  { color: "#009e73", dash: "16 6" },
] as const;

export type AnswerMark = (typeof MARKS)[number];

export function answerMark(place: number): AnswerMark {
  return MARKS[place % MARKS.length] ?? MARKS[0];
}
