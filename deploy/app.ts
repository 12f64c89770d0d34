import { App, Tags } from 'aws-cdk-lib';
import { readSettings } from './settings.js';
import { makeStacks } from './stacks.js';

const app = new App();
const context = app.node.getContext('perdure') as object;
const imageTag = app.node.tryGetContext('imageTag') as unknown;
await makeStacks(app, readSettings({ ...context, ...(imageTag === undefined ? {} : { imageTag }) }));
Tags.of(app).add('application', 'perdure');
app.synth();
