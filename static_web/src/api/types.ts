/** The API's own types, under the names the app uses. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Annotation = Schemas["Annotation"];
export type ClassList = Schemas["ClassList"];
export type ClassView = Schemas["ClassView"];
export type DraftItem = Schemas["DraftItem"];
export type Export = Schemas["Export"];
export type ExportFormat = Schemas["FormatView"];
export type FrameView = Schemas["FrameView"];
export type ImageLinks = Schemas["ImageLinks"];
export type ItemPage = Schemas["ItemPage"];
export type LabelClass = Schemas["LabelClass"];
export type Lease = Schemas["Lease"];
export type Me = Schemas["Me"];
export type Member = Schemas["MemberView"];
export type MyItem = Schemas["MyItem"];
export type MyWork = Schemas["MyWork"];
export type Outcome = Schemas["SubmittedItem"]["outcome"];
export type Progress = Schemas["Progress"];
export type Project = Schemas["ProjectView"];
export type ProjectLine = Schemas["ProjectLine"];
export type ProjectState = Project["state"];
export type Result = Schemas["Result"];
export type Role = Member["role"];
export type SignAnswer = Schemas["SignAnswer"];
export type Submission = Schemas["Submission"];
export type SubmitAnswer = Schemas["SubmitAnswer"];
export type Task = Schemas["TaskView"];
export type TaskAnswer = Schemas["TaskAnswer"];
export type TaskItem = Schemas["TaskItem"];
export type TaskType = Project["task_type"];
export type Upload = Schemas["Upload"];
export type WhyNone = NonNullable<TaskAnswer["why"]>;
