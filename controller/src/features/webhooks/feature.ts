// Addresses of pipelines: others post to them, and runs start.
import { feature } from '../../feature.ts'
import { runsFeature } from '../runs/index.ts'
import { startTaken } from './deliveries.ts'
import { hooksRoute } from './hooks.route.ts'
import { DeliveryEntity, WebhookEntity } from './webhook.entity.ts'
import { deleteWebhooksOf, webhookKeeper } from './webhook-keeper.ts'
import { webhooksApi } from './webhooks.api.ts'

export const webhooksFeature = feature({
  name: 'webhooks',
  entities: [WebhookEntity, DeliveryEntity],
  open({ db, bus, clock, keys, log, workers }, from) {
    const { driver } = from(runsFeature)
    return {
      services: [webhooksApi({ clock, keys })],
      routes: [hooksRoute({ db, bus, clock, keys })],
      pipelineParticipants: [webhookKeeper],
      deletions: [deleteWebhooksOf],
      loops: [
        { name: 'webhooks', everyMs: 2000, wakeOn: ['hook.due'], run: () => startTaken({ db, log, workers, driver }) },
      ],
    }
  },
})
