/** The look: ink and harbour blue with a little brass; compact, for people who look at it all day. */
import { Button, createTheme, type MantineColorsTuple, NativeSelect, Paper, TextInput } from '@mantine/core';

const harbour: MantineColorsTuple = [
  '#e9f5fa',
  '#d4e7f0',
  '#a6cee0',
  '#75b4d0',
  '#4e9ec3',
  '#3490bb',
  '#2181b0',
  '#126a95',
  '#0b5a80',
  '#074a6b',
];

/** Mantine's dark greys with a touch of the sea. */
const dark: MantineColorsTuple = [
  '#d3dae2',
  '#adb9c6',
  '#8b9aab',
  '#64758a',
  '#41516a',
  '#2f3d50',
  '#243142',
  '#1a2532',
  '#131c27',
  '#0c131b',
];

const fonts = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';
const monospace = 'ui-monospace, "SF Mono", Menlo, "Noto Sans Mono", "DejaVu Sans Mono", monospace';

export const theme = createTheme({
  primaryColor: 'harbour',
  primaryShade: { light: 8, dark: 6 },
  colors: { harbour, dark },
  autoContrast: true,
  fontFamily: fonts,
  fontFamilyMonospace: monospace,
  headings: { fontFamily: fonts, fontWeight: '650' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'sm' } }),
    Paper: Paper.extend({ defaultProps: { withBorder: true, p: 'md', radius: 'md' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'sm' } }),
    NativeSelect: NativeSelect.extend({ defaultProps: { size: 'sm' } }),
  },
});
