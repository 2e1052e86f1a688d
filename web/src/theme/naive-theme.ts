// The UI library's overrides, computed from the tokens' literal values: the library calculates with colours and cannot read
// CSS variables. Both themes are its light theme with every colour replaced, so no second theme is loaded.
import type { GlobalThemeOverrides } from 'naive-ui'
import { darkTokens, lightTokens, type Tokens } from './token-values.ts'

export const lightOverrides = overridesOf(lightTokens)
export const darkOverrides = overridesOf(darkTokens)

export function overridesOf(t: Tokens): GlobalThemeOverrides {
  return {
    common: commonOf(t),
    Button: buttonOf(t),
    Input: { ...fieldOf(t), iconSize: '15px', paddingSmall: '0 8px', paddingMedium: '0 10px', paddingLarge: '0 10px' },
    Select: { peers: { InternalSelection: fieldOf(t), InternalSelectMenu: menuOf(t) } },
    Checkbox: {
      sizeSmall: '14px',
      sizeMedium: '16px',
      borderRadius: '3px',
      border: `1px solid ${t['c-control']}`,
      borderFocus: `1px solid ${t['c-focus']}`,
      boxShadowFocus: `0 0 0 1px ${t['c-focus']}`,
      colorChecked: t['c-primary'],
      borderChecked: `1px solid ${t['c-primary']}`,
      checkMarkColor: t['c-on-primary'],
    },
    Switch: {
      railColor: t['c-control'],
      railColorActive: t['c-primary'],
      railHeightMedium: '16px',
      railWidthMedium: '28px',
      buttonHeightMedium: '12px',
      buttonWidthMedium: '12px',
      railHeightSmall: '16px',
      railWidthSmall: '28px',
      buttonHeightSmall: '12px',
      buttonWidthSmall: '12px',
      buttonColor: t['c-surface'],
      boxShadowFocus: `0 0 0 2px ${t['c-surface']}, 0 0 0 4px ${t['c-focus']}`,
    },
    Card: { borderRadius: t['radius-2'] },
    Dialog: { borderRadius: t['radius-3'] },
    Modal: { color: t['c-raised'], boxShadow: t['shadow-3'] },
    Popover: { color: t['c-raised'], boxShadow: t['shadow-2'], borderRadius: t['radius-2'], padding: '8px 12px' },
    Tooltip: { color: t['c-raised'], textColor: t['c-text'], boxShadow: t['shadow-2'], padding: '6px 10px' },
    Dropdown: {
      color: t['c-raised'],
      borderRadius: t['radius-2'],
      optionHeightMedium: '32px',
      fontSizeMedium: '13px',
      optionColorHover: t['c-hover'],
      optionTextColorHover: t['c-text'],
      optionIconSizeMedium: '16px',
      prefixColor: t['c-text-2'],
    },
    Tag: {
      color: t['c-chip'],
      colorBordered: t['c-chip'],
      border: `1px solid ${t['c-line-strong']}`,
      borderRadius: t['radius-1'],
    },
    DataTable: {
      thColor: t['c-surface'],
      thFontWeight: '500',
      thTextColor: t['c-text-2'],
      tdColorHover: t['c-hover'],
      fontSizeMedium: '13px',
      thPaddingMedium: '9px 12px',
      tdPaddingMedium: '9px 12px',
    },
    Tabs: {
      barColor: t['c-text'],
      tabTextColorLine: t['c-text-2'],
      tabTextColorActiveLine: t['c-text'],
      tabTextColorHoverLine: t['c-text'],
      tabFontSizeMedium: '13px',
      tabGapMediumLine: '20px',
    },
    Slider: { fillColor: t['c-primary'], fillColorHover: t['c-primary'], railColor: t['c-line-strong'] },
  }
}

function commonOf(t: Tokens): NonNullable<GlobalThemeOverrides['common']> {
  return {
    primaryColor: t['c-primary'],
    primaryColorHover: t['c-primary-hover'],
    primaryColorPressed: t['c-primary-press'],
    primaryColorSuppl: t['c-primary-hover'],
    ...shades('info', t['st-running']),
    ...shades('success', t['st-success']),
    ...shades('warning', t['st-warning']),
    errorColor: t['c-danger'],
    errorColorHover: t['c-danger-hover'],
    errorColorPressed: t['c-danger'],
    errorColorSuppl: t['c-danger-hover'],
    baseColor: t['c-on-primary'],
    textColorBase: t['c-text'],
    textColor1: t['c-text'],
    textColor2: t['c-text'],
    textColor3: t['c-text-2'],
    textColorDisabled: t['c-disabled'],
    placeholderColor: t['c-text-3'],
    placeholderColorDisabled: t['c-disabled'],
    iconColor: t['c-text-2'],
    iconColorHover: t['c-text'],
    iconColorPressed: t['c-text'],
    iconColorDisabled: t['c-disabled'],
    closeIconColor: t['c-text-2'],
    closeIconColorHover: t['c-text'],
    closeIconColorPressed: t['c-text'],
    closeColorHover: t['c-hover'],
    closeColorPressed: t['c-active'],
    clearColor: t['c-text-3'],
    clearColorHover: t['c-text-2'],
    clearColorPressed: t['c-text'],
    dividerColor: t['c-line'],
    borderColor: t['c-line-strong'],
    scrollbarColor: t['c-line-strong'],
    scrollbarColorHover: t['c-control'],
    railColor: t['c-line-strong'],
    progressRailColor: t['c-line'],
    bodyColor: t['c-page'],
    cardColor: t['c-surface'],
    tableColor: t['c-surface'],
    tableHeaderColor: t['c-surface'],
    tableColorHover: t['c-hover'],
    tableColorStriped: t['c-sunken'],
    modalColor: t['c-raised'],
    popoverColor: t['c-raised'],
    inputColor: t['c-field'],
    inputColorDisabled: t['c-sunken'],
    tagColor: t['c-chip'],
    avatarColor: t['c-chip'],
    invertedColor: t['c-text'],
    actionColor: t['c-sunken'],
    codeColor: t['c-code'],
    tabColor: t['c-sunken'],
    hoverColor: t['c-hover'],
    pressedColor: t['c-active'],
    buttonColor2: t['c-hover'],
    buttonColor2Hover: t['c-active'],
    buttonColor2Pressed: t['c-active'],
    boxShadow1: t['shadow-1'],
    boxShadow2: t['shadow-2'],
    boxShadow3: t['shadow-3'],
    fontFamily: t['font-ui'],
    fontFamilyMono: t['font-mono'],
    fontWeightStrong: '600',
    borderRadius: t['radius-1'],
    borderRadiusSmall: '3px',
    fontSize: '14px',
    fontSizeMini: '12px',
    fontSizeTiny: '12px',
    fontSizeSmall: '13px',
    fontSizeMedium: '13px',
    fontSizeLarge: '14px',
    heightTiny: '24px',
    heightSmall: '28px',
    heightMedium: '30px',
    heightLarge: '36px',
  }
}

type ShadeName = 'info' | 'success' | 'warning'

function shades<N extends ShadeName>(
  name: N,
  color: string,
): Record<`${N}Color${'' | 'Hover' | 'Pressed' | 'Suppl'}`, string> {
  return {
    [`${name}Color`]: color,
    [`${name}ColorHover`]: color,
    [`${name}ColorPressed`]: color,
    [`${name}ColorSuppl`]: color,
  } as Record<`${N}Color${'' | 'Hover' | 'Pressed' | 'Suppl'}`, string>
}

/** Plain buttons are outlined on their own ground; only the primary one is filled. */
function buttonOf(t: Tokens): NonNullable<GlobalThemeOverrides['Button']> {
  const line = `1px solid ${t['c-line-strong']}`
  const danger = { textColorHoverError: t['c-on-danger'], textColorPressedError: t['c-on-danger'] }
  return {
    waveOpacity: '0',
    fontWeight: '500',
    paddingTiny: '0 8px',
    paddingSmall: '0 10px',
    paddingMedium: '0 12px',
    paddingLarge: '0 16px',
    iconMarginMedium: '6px',
    iconMarginSmall: '6px',
    iconSizeTiny: '14px',
    iconSizeSmall: '15px',
    iconSizeMedium: '16px',
    iconSizeLarge: '16px',
    color: t['c-button'],
    colorHover: t['c-button'],
    colorPressed: t['c-chip'],
    colorFocus: t['c-button'],
    colorDisabled: t['c-button'],
    textColor: t['c-text'],
    textColorHover: t['c-text'],
    textColorPressed: t['c-text'],
    textColorFocus: t['c-text'],
    textColorText: t['c-text-2'],
    textColorTextHover: t['c-text'],
    textColorTextPressed: t['c-text'],
    textColorTextFocus: t['c-text'],
    border: line,
    borderHover: `1px solid ${t['c-control']}`,
    borderPressed: `1px solid ${t['c-control']}`,
    borderFocus: line,
    borderDisabled: `1px solid ${t['c-line']}`,
    colorFocusPrimary: t['c-primary'],
    borderFocusPrimary: `1px solid ${t['c-primary']}`,
    colorFocusError: t['c-danger'],
    textColorError: t['c-on-danger'],
    textColorFocusError: t['c-on-danger'],
    textColorDisabledError: t['c-on-danger'],
    textColorGhostError: t['c-danger'],
    ...danger,
  }
}

/** Input and the closed select are one look: an edge of 3:1, a blue edge of 2 px while focused, no glow. */
function fieldOf(t: Tokens) {
  return {
    color: t['c-field'],
    colorActive: t['c-field'],
    colorFocus: t['c-field'],
    border: `1px solid ${t['c-control']}`,
    borderHover: `1px solid ${t['c-text-2']}`,
    borderActive: `1px solid ${t['c-focus']}`,
    borderFocus: `1px solid ${t['c-focus']}`,
    borderDisabled: `1px solid ${t['c-line-strong']}`,
    boxShadowActive: `0 0 0 1px ${t['c-focus']}`,
    boxShadowFocus: `0 0 0 1px ${t['c-focus']}`,
    borderError: `1px solid ${t['c-danger']}`,
    borderHoverError: `1px solid ${t['c-danger']}`,
    borderFocusError: `1px solid ${t['c-danger']}`,
    boxShadowFocusError: `0 0 0 1px ${t['c-danger']}`,
  }
}

function menuOf(t: Tokens) {
  return {
    color: t['c-raised'],
    optionHeightMedium: '32px',
    optionFontSizeMedium: '13px',
    optionTextColorActive: t['c-text'],
    optionColorPending: t['c-hover'],
    optionColorActive: t['c-selected'],
    optionColorActivePending: t['c-selected'],
    optionCheckColor: t['c-primary'],
  }
}
