// Icons of step types: the names the types give, as components. An unknown name is shown as a box.
import { stepType } from '@ansflow/proto/steps/index'
import {
  Box,
  Boxes,
  FlaskConical,
  GitBranch,
  Globe,
  Hammer,
  Hand,
  Hourglass,
  Terminal,
  Workflow,
} from 'lucide-vue-next'
import type { Component } from 'vue'

const icons: Record<string, Component> = {
  box: Box,
  boxes: Boxes,
  'flask-conical': FlaskConical,
  'git-branch': GitBranch,
  globe: Globe,
  hammer: Hammer,
  hand: Hand,
  hourglass: Hourglass,
  terminal: Terminal,
  workflow: Workflow,
}

export function stepIcon(type: string): Component {
  return icons[stepType(type)?.icon ?? ''] ?? Box
}
