import {
  createDarkTheme,
  createLightTheme,
  type BrandVariants,
  type Theme,
} from "@fluentui/react-components";

const brand: BrandVariants = {
  10: "#011413",
  20: "#04211f",
  30: "#062f2d",
  40: "#083b38",
  50: "#0a4743",
  60: "#0c534f",
  70: "#0e615c",
  80: "#0f6f6a",
  90: "#1f7d78",
  100: "#358c86",
  110: "#4c9a95",
  120: "#63a9a4",
  130: "#7cb9b4",
  140: "#96c8c4",
  150: "#b3d8d5",
  160: "#d3e9e7",
};

// Malgun Gothic and its like draw Latin letters well enough beside Segoe UI; digits never jump.
const fontFamilyBase =
  '"Segoe UI", "Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans KR", "NanumGothic", system-ui, sans-serif';

export const lightTheme: Theme = { ...createLightTheme(brand), fontFamilyBase };

const dark = createDarkTheme(brand);

export const darkTheme: Theme = {
  ...dark,
  fontFamilyBase,
  // The ramp's own dark foregrounds are too dim on grey.
  colorBrandForeground1: brand[130],
  colorBrandForeground2: brand[140],
  colorBrandForegroundLink: brand[130],
  colorBrandForegroundLinkHover: brand[140],
  colorCompoundBrandForeground1: brand[130],
  colorCompoundBrandStroke: brand[120],
  colorNeutralForeground2BrandHover: brand[130],
  colorNeutralForeground2BrandSelected: brand[130],
  colorStatusDangerForeground1: dark.colorStatusDangerForeground3,
};

/** The labeling stage: always the same neutral grey, so that colours in images are judged alike. */
export const stageTheme: Theme = {
  ...darkTheme,
  colorNeutralBackground1: "#262626",
  colorNeutralBackground1Hover: "#333333",
  colorNeutralBackground1Pressed: "#2e2e2e",
  colorNeutralBackground1Selected: "#3a3a3a",
  colorNeutralBackground2: "#2b2b2b",
  colorNeutralBackground3: "#1f1f1f",
  colorNeutralBackground6: "#1b1b1b",
  colorSubtleBackgroundHover: "#383838",
  colorSubtleBackgroundPressed: "#313131",
  colorSubtleBackgroundSelected: "#404040",
  colorNeutralStroke2: "#3d3d3d",
  colorNeutralStroke3: "#333333",
  // On this grey the focus must stand out from any picture: white, with a dark line beside it.
  colorStrokeFocus1: "#000000",
  colorStrokeFocus2: "#ffffff",
};
