export { type Azurite, startAzurite } from '../../dev/stack/azurite.ts';
