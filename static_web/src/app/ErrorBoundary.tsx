import { Button } from "@fluentui/react-components";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Message } from "@/ui/Message";

interface State {
  error: Error | null;
}

export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    return this.state.error ? <Broken error={this.state.error} /> : this.props.children;
  }
}

function Broken({ error }: { error: Error }): ReactNode {
  const { t } = useTranslation();
  return (
    <Message
      icon="warning"
      title={t("error.broken")}
      actions={
        <Button appearance="primary" onClick={() => window.location.reload()}>
          {t("error.reload")}
        </Button>
      }
    >
      {t("error.brokenText", { detail: error.message })}
    </Message>
  );
}
