/** All texts of the training screens; strings.ts has those of the other screens. */

import type { Run } from '../../preload/contract/training.ts';

const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

export const words = {
  train: 'Train',
  wasInterrupted: 'Training was interrupted',
  trainingShare: (percent: number) => `Training ${percent} %`,
  runs: 'Runs',
  newRun: 'New training',
  noRuns: 'Runs that were begun are listed here, with their curves and models.',
  steps: 'Steps to a model of your own',
  step: {
    have: 'What do you have?',
    check: 'Check',
    long: 'How long?',
    start: 'Train',
  },
  back: 'Back',
  next: 'Next',

  haveIntro:
    'A model of your own knows the noise of your camera. It learns from photos you already have; nothing leaves this computer, and your files are only read.',
  have: {
    pairs: {
      title: 'Short and long exposures',
      words:
        'Each scene twice: once far too dark, once long enough, from a tripod. The surest way: the network sees what your camera does in the dark, and what it should have been.',
      folder: 'Folder of exposures',
      folderHelp:
        'RAW photos of both kinds together are paired by the time they were taken; folders named short and long by their names.',
    },
    photos: {
      title: 'Clean photos',
      words:
        'Any sharp, well-lit pictures: JPEG, PNG, TIFF or RAW. They are darkened as a sensor would see them; a few dark frames make that sensor yours.',
      folder: 'Folder of clean photos',
      folderHelp: 'With everything below it. A few dozen are enough to begin with.',
    },
    sid: {
      title: 'A dataset in the paper’s layout',
      words:
        '“Learning to See in the Dark”: folders short and long, names such as 00001_00_0.04s.ARW, or its list files.',
      folder: 'Folder of the dataset',
      folderHelp: 'The one with the list files, or with the folders short and long in it.',
    },
  },
  secondElsewhere: 'The long exposures, or finished pictures, are in another folder',
  secondFolder: 'Folder of the long exposures',
  secondFolderHelp:
    'Files are paired by their names. Finished pictures (PNG, TIFF) may stand for long exposures.',
  noise: 'Noise of the camera',
  noiseHelp: 'What the clean photos are darkened with.',
  noiseGeneral: 'Of all kinds of cameras: the model will do for any of them',
  noiseMeasure: 'Of my camera, measured from dark frames: better for it than any other',
  noiseOf: (name: string, day: string, isos: readonly number[]) =>
    `${name}, measured on ${day} at ISO ${isos.map((iso) => iso.toLocaleString('en')).join(', ')}`,
  guide: 'How to take the frames: a quarter of an hour',
  guideDark: 'Dark frames: photos of nothing',
  guideDarkSteps: [
    'Shut out all light: lens cap on, eyepiece covered, in a dark room or under a cloth. A cap alone leaks in sunlight.',
    'RAW, as you photograph. Long exposure noise reduction and high ISO noise reduction off, no crop mode.',
    'Manual exposure: ten frames at each ISO you use at night (1600, 3200, 6400, 12,800, say), as short as you use there, 1/30 s for example.',
    'If you also expose for many seconds, ten more at such a time: glow and hot pixels grow with it.',
    'Let the camera lie for some minutes first: a warm sensor has more noise. Then put all frames into one folder.',
  ],
  guideFlat: 'Flat frames, if you can: they show how noise grows with light',
  guideFlatSteps: [
    'An evenly lit surface, out of focus: a white wall, a bright screen, the sky through paper. No lamp that flickers.',
    'Camera on a tripod. Two frames right after each other with the same settings, without touching it between.',
    'Exposed to the middle of the histogram. One pair for each ISO, in a second folder.',
  ],
  darkFolder: 'Folder of dark frames',
  darkFolderHelp: 'RAW, lens cap on; ten for each ISO are plenty, two the least.',
  flatFolder: 'Folder of flat frames',
  flatFolderHelp: 'May be missing: then the gain is the published one, or every gain is tried.',
  noFlats: 'Without flat frames',
  choose: 'Choose',
  chooseAnother: 'Choose another',
  noFolder: 'No folder chosen yet',
  folderPathOf: (label: string) => `${label}: path`,

  measuringNoise: (done: number, total: number) =>
    total === 0
      ? 'Measuring the noise of your camera…'
      : `Measuring the noise of your camera: ${done} of ${counted(total, 'frame', 'frames')}`,
  checkingPairs: (done: number, total: number) =>
    total === 0
      ? 'Looking for pairs…'
      : `Looking at ${done.toLocaleString('en')} of ${counted(total, 'pair', 'pairs')}`,
  checking: (done: number, total: number) =>
    total === 0
      ? 'Looking for photos…'
      : `Looking at ${done.toLocaleString('en')} of ${counted(total, 'photo', 'photos')}`,
  checkAgain: 'Check again',
  stopChecking: 'Stop',
  photosGood: (good: number) => `${counted(good, 'photo', 'photos')} to learn from`,
  photosBad: (bad: number) =>
    `${counted(bad, 'file', 'files')} cannot be read and ${bad === 1 ? 'is' : 'are'} left out`,
  photosHeldOut: (count: number) => `${counted(count, 'photo', 'photos')} kept aside for scores`,
  photosLeftOut: (count: number) => `${count.toLocaleString('en')} left out by you`,
  fewPhotos:
    'With so few photos the model may learn them by heart. Ten times as many make a steadier one.',
  nothingLeft:
    'Nothing is left to learn from: take some photos in again, or choose another folder.',
  leaveOut: (name: string) => `Leave out ${name}`,
  takeIn: (name: string) => `Take in ${name}`,
  isLeftOut: 'Left out',
  isTakenIn: 'Taken in',
  photosList: 'Photos to learn from',
  showMore: (count: number) => `Show ${count.toLocaleString('en')} more`,

  pairsGood: (good: number) => `${counted(good, 'pair', 'pairs')} to learn from`,
  pairsBad: (bad: number) => `${counted(bad, 'pair', 'pairs')} with a fault`,
  pairsList: 'Pairs to learn from',
  layout: {
    lists: 'Found by the paper’s lists',
    sid: 'Found in the folders short and long',
    folders: 'Paired by names',
    exif: 'Paired by the time they were taken',
  },
  unpaired: (count: number) => `${counted(count, 'file', 'files')} without a partner`,
  fewPairs:
    'A few scenes teach little, and say little of how good the model is on others. Five or more are better.',
  notEnoughPairs:
    'Two pairs are the least to learn from. Take some in by hand if you know better, or choose another folder.',
  whichCamera: 'Which camera is the model for?',
  whichCameraHelp: 'There are pairs of several. A model learns one camera’s noise and colours.',
  anyCamera: 'Choose a camera',
  pairState: { good: 'Good', fault: 'Left out', taken: 'Taken in by hand', out: 'Left out by you' },
  otherCamera: 'Another camera',
  shortOf: (name: string) => `${name}, brightened`,
  longOf: (name: string) => name,
  ratioSays: (ratio: string) => `${ratio} brighter`,
  ratioMeasured: (measured: string, stated: string) => `measured ${measured}, stated ${stated}`,
  shiftSays: (pixels: string) => `shifted by ${pixels} px`,
  pairGood: 'Fits: same camera, same size, light as it says.',
  filterPairs: { all: 'All', bad: 'With a fault', good: 'Good' },
  showPairs: 'Pairs shown',

  noiseMeasured: 'Measured noise',
  noiseFrames: (frames: number, exposure: string) =>
    `${counted(frames, 'frame', 'frames')}${exposure}`,
  noiseColumns: {
    iso: 'ISO',
    black: 'Black level',
    read: 'Read noise, DN',
    tails: 'Tails λ',
    rows: 'Rows, DN',
    hot: 'Hot pixels',
    gain: 'Gain, DN per electron',
  },
  gainSource: { flats: 'flats', 'other-iso': 'from another ISO', published: 'published' },
  gainUnknown: 'every one is tried',
  noiseCurve: (iso: number) =>
    `How often each deviation from black was seen, ISO ${iso.toLocaleString('en')}`,
  noiseCurveHelp: 'Bars: your frames. Line: what was fitted, and what training will draw from.',
  noiseCurveSays: (iso: number, sigma: string) =>
    `Histogram of the noise at ISO ${iso}: standard deviation ${sigma} DN`,
  deviation: 'DN from black',

  courses: 'How long may it take?',
  course: {
    adapt: {
      title: 'Adapt',
      words: (model: string) =>
        `Begins with ${model}, which knows how to see in the dark already, and learns what is special here.`,
    },
    train: {
      title: 'Train from the beginning',
      words: () =>
        'Begins knowing nothing. For an afternoon or a night, and a few hundred photos; the result owes nothing to other pictures.',
    },
    paper: {
      title: 'The paper’s recipe',
      words: () =>
        '“Learning to See in the Dark” as published: 4,000 passes over the pairs, finished colours as targets. For days on a processor, and to compare.',
    },
  },
  measuring: 'Measuring a step on this computer…',
  about: (time: string) => `about ${time}`,
  notMeasured: 'not measured',
  estimateSays: (steps: number, stepMs: string) =>
    `${counted(steps, 'step', 'steps')} of ${stepMs}, measured just now on this computer at low priority. Validation and a busy computer add to it. You can stop at any time and keep the best so far.`,
  cardSays: (processorMs: string) =>
    `The graphics card makes them: it calculates them as the processor does, which takes ${processorMs}. More lets you choose.`,
  faster: 'The faster of the two',
  memorySays: (bytes: string) => `It takes about ${bytes} of memory.`,
  more: 'More',
  moreHelp: 'Every number of the recipe. What is not said here is as in the shipped models.',
  expert: {
    steps: 'Steps',
    batch: 'Patches in a step',
    patchPacked: 'Side of a patch, packed pixels (a multiple of 16)',
    baseChannels: 'Width of the network (16 is fast, 32 is quality)',
    learningRate: 'Highest learning rate',
    seed: 'Seed of first weights and patches',
    checkpointEvery: 'Steps between checkpoints',
    validateEvery: 'Steps between validations',
    threads: 'Processor threads (0: all)',
  },
  optimizer: 'Optimizer',
  optimizers: { adam: 'Adam', muon: 'Muon: faster from random weights' },
  firstLevel: 'First level of the network',
  firstLevels: { full: 'Full size', half: 'Half size, with more channels' },
  expected: (least: string, most: string) => `from ${least} to ${most}`,
  widthIsBase: 'The width is that of the model it begins with.',
  asGiven: 'As it was',

  name: 'Name of the model',
  nameHelp: 'Under this name it will be found in Develop and in the settings.',
  summary: 'What will happen',
  learnsFrom: 'Learns from',
  begins: 'Begins with',
  beginsWithNothing: 'Nothing: weights by lot',
  takes: 'Takes',
  runsOn: 'Runs on',
  processor: (threads: number) =>
    threads === 0
      ? 'Processor, all threads'
      : `Processor, ${counted(threads, 'thread', 'threads')}`,
  lowPriority:
    'It runs at low priority beside everything else. You can go on developing and exporting, pause it, close the window, or restart the computer: it is saved every few minutes and goes on where it was.',
  start: 'Start training',
  otherAtWork: (name: string) =>
    `${name} is being trained. One run trains at a time: stop or finish it first.`,

  state: {
    waiting: 'Not begun',
    starting: 'Reading its pictures',
    running: 'Training',
    pausing: 'Pausing after this step',
    paused: 'Paused',
    stopping: 'Saving',
    stopped: 'Stopped',
    interrupted: 'Interrupted',
    done: 'Done',
    failed: 'Failed',
  } satisfies Record<Run['state'], string>,
  stateHelp: {
    waiting: 'It was made but never begun.',
    starting: undefined,
    running: undefined,
    pausing: undefined,
    paused: 'It keeps its place in memory. Going on takes no time.',
    stopping: undefined,
    stopped: 'It can go on from here at any time.',
    interrupted:
      'The program ended while it trained. It goes on from its last checkpoint; at most the steps since then are made again.',
    done: undefined,
    failed: undefined,
  } satisfies Record<Run['state'], string | undefined>,
  goOn: 'Go on',
  begin: 'Begin',
  pause: 'Pause',
  stop: 'Stop',
  stopTitle: 'Stop training?',
  stopWords:
    'What it has learned is saved either way, and it can go on later. You can also make a model of the best it has reached.',
  stopAndKeep: 'Stop and keep the best',
  stopOnly: 'Stop',
  keepTraining: 'Keep training',
  remove: 'Delete',
  removeTitle: (name: string) => `Delete the run ${name}?`,
  removeWords: (bytes: string) =>
    `Its curves, examples and checkpoints go for good (${bytes}). A model made of it stays.`,
  progress: 'Progress',
  facts: {
    step: 'Step',
    epoch: 'Pass over the photos',
    left: 'Time left',
    trained: 'Trained for',
    speed: 'A step takes',
    memory: 'Memory',
    device: 'Device',
    disk: 'On disk',
  },
  ofSteps: (step: number, steps: number) =>
    `${step.toLocaleString('en')} of ${steps.toLocaleString('en')}`,
  loading: (done: number, total: number) =>
    `Reading ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`,
  unknownYet: 'Not known yet',

  loss: 'Training loss',
  lossHelp: 'How far the network is from the truth in what it learns from. It should fall.',
  validation: 'Quality on pictures it never learns from',
  validationHelp: 'PSNR in dB, higher is better: 3 dB more is half the mean squared error.',
  validationSeen: 'Quality on pictures it learns from',
  validationSeenHelp:
    'PSNR in dB. There are too few to keep any aside, so this flatters: look at other photos before you trust it.',
  compared: 'Compared with what it began with',
  comparedHelp: (model: string) => `The same pictures, by ${model} and by your model.`,
  comparedAlike: (model: string) =>
    `The same pictures, by ${model} and by your model. The difference is too small to be seen: keep it only if you like its pictures better.`,
  comparedWorse: (model: string) =>
    `Nothing it learned made it better than ${model} on these pictures: your model is ${model}’s equal. More or other photos may help, or a smaller learning rate.`,
  measures: { psnr: 'PSNR', ssim: 'SSIM' },
  measure: 'Measure',
  gainSays: (gain: string) => `${gain} dB`,
  yours: (step: number) => `Yours, step ${step.toLocaleString('en')}`,
  noCurve: 'The curve begins after a few steps.',
  noValidation: 'The first point comes with the first validation.',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  zoomAll: 'Show all',
  curveSays: (name: string, first: string, last: string, step: number) =>
    `${name}: from ${first} to ${last} at step ${step.toLocaleString('en')}. Plus and minus zoom, arrows move.`,
  curveAt: (step: number, value: string) => `step ${step.toLocaleString('en')}: ${value}`,
  stepAxis: 'step',

  examples: 'The same pictures, as it learns',
  before: 'Dark, amplified',
  after: 'Developed',
  truth: 'Truth',
  exampleSays: (what: string, name: string, step: number) =>
    `${what}: ${name} at step ${step.toLocaleString('en')}`,
  atStep: (step: number) => `Step ${step.toLocaleString('en')}`,
  chooseStep: 'Validation shown',
  best: 'Best',
  bestSays: (psnr: string, step: number) =>
    `Best so far: ${psnr} dB at step ${step.toLocaleString('en')}`,

  notes: 'What happened',

  yourModel: 'Your model',
  yourModelHelp: 'It is among your models now. Compare below, then decide what it is used for.',
  noModelAny: 'Its model was removed.',
  useFor: 'Use it for',
  allPhotos: 'All photos',
  photosOf: (camera: string) => `Photos of ${camera}`,
  use: 'Use from now on',
  inUseForAll: 'Used for all photos',
  inUseFor: (camera: string) => `Used for photos of ${camera}`,
  nowUsed: (model: string, what: string) => `${model} is used for ${what} from now on`,
  allPhotosSmall: 'all photos',
  photosOfSmall: (camera: string) => `photos of ${camera}`,
  exportModel: 'Copy to a folder',
  allModels: 'All models',
} as const;
